/** The account at the Treasury: what its parts need to move. */

import "/static/js/forms.js";
import { startDropZones } from "./dropzone.js";
import { startPrinting } from "./print.js";
import { startRows } from "./rows.js";
import { startShortcuts } from "./shortcuts.js";
import { startTallies } from "./tally.js";

startTallies();
startShortcuts();
startRows();
startPrinting();
startDropZones();

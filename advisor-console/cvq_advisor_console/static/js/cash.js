/** The sub-office's page: what its parts need to move. */

import "/static/js/forms.js";
import { startFollowing } from "./follow.js";
import { startPrinting } from "./print.js";
import { startRows } from "./rows.js";
import { startShortcuts } from "./shortcuts.js";
import { startTills } from "./till.js";

startTills();
startFollowing();
startShortcuts();
startRows();
startPrinting();

/** The console and the dock: what their parts need to move. The call and the papers' channel have modules of their own. */

import "/static/js/forms.js";
import "/static/js/fragments.js";
import { startClocks } from "./clock.js";
import { startDragOut } from "./dragout.js";
import { startDropZones } from "./dropzone.js";
import { startRows } from "./rows.js";
import { startShortcuts } from "./shortcuts.js";
import { startSounds } from "./sounds.js";
import { startAllTabs } from "./tabs.js";

startAllTabs();
startShortcuts();
startRows();
startClocks();
startDragOut();
startDropZones();
startSounds();

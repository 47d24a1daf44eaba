/** The console and the dock: their moving parts. */

import "/static/js/forms.js";
import "/static/js/fragments.js";
import { startClocks } from "./clock.js";
import { startDrafts } from "./draft.js";
import { startDragOut } from "./dragout.js";
import { startDropZones } from "./dropzone.js";
import { startFace } from "./face.js";
import { startPapers } from "./papers-desk.js";
import { startRows } from "./rows.js";
import { startShortcuts } from "./shortcuts.js";
import { startSounds } from "./sounds.js";
import { startAllTabs } from "./tabs.js";
import { startWindowShare } from "./window-share.js";

startAllTabs();
startShortcuts();
startRows();
startClocks();
startDragOut();
startDropZones();
startSounds();
startFace();
startPapers();
startDrafts();
startWindowShare();

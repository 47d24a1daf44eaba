/** The secretary's page: what its parts need to move. */

import "/static/js/forms.js";
import "/static/js/fragments.js";
import { startClocks } from "./clock.js";
import { startDepending } from "./depends.js";
import { startFollowing } from "./follow.js";
import { startPrinting } from "./print.js";
import { startRows } from "./rows.js";
import { startShortcuts } from "./shortcuts.js";
import { startSounds } from "./sounds.js";

startFollowing();
startDepending();
startShortcuts();
startRows();
startClocks();
startPrinting();
startSounds();

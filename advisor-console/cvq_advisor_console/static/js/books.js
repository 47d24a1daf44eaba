/** The books: an edition that is being made is followed, and every step has its key. */

import "/static/js/forms.js";
import { startFollowing } from "./follow.js";
import { startShortcuts } from "./shortcuts.js";

startFollowing();
startShortcuts();

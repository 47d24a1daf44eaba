/** Imports: every answer about a pair has its key, and every step of taking balances over. */

import "/static/js/forms.js";
import { startShortcuts } from "./shortcuts.js";

startShortcuts();

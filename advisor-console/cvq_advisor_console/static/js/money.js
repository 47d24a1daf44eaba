/** Pages of wallets and direct debit: forms go without leaving the page, and files are taken in. */

import "/static/js/forms.js";
import { startDropZones } from "./dropzone.js";
import { startFollowing } from "./follow.js";
import { startRows } from "./rows.js";

startDropZones();
startFollowing();
startRows();

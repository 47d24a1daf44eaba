/** Pages of reservations: the week is drawn anew when somebody else reserves, and names are looked for while typed. */

import "/static/js/forms.js";
import { startFollowing } from "./follow.js";
import { startRows } from "./rows.js";

startFollowing();
startRows();

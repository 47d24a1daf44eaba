/** The page of online payments: the bank's file is taken in, and what is decided goes without leaving the page. */

import "/static/js/forms.js";
import { startDropZones } from "./dropzone.js";

startDropZones();

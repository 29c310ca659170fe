/** What our scripts put into Gradio's pages: an element for each, which fills itself. */

import "./runs.js";
import "./run.js";
import "./charts.js";
import "./training.js";
import "./beside.js";
import "./told.js";
import "./standing.js";
import "./talk.js";
import "./labels.js";
import "./leases.js";

// SPDX-License-Identifier: Apache-2.0
import { refusals } from "../lib/refusals.mjs";

refusals({ server: "ours", facilitator: "ours_embedded" });

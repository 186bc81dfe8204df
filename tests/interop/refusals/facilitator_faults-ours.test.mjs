// SPDX-License-Identifier: Apache-2.0
import { facilitatorFaults } from "../lib/facilitator_faults.mjs";

facilitatorFaults("ours");

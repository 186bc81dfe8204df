// SPDX-License-Identifier: Apache-2.0
import { cells } from "../lib/cell.mjs";

cells({ clients: ["ours"], server: "ref_v1_express", facilitator: "ref_v1" });

// SPDX-License-Identifier: Apache-2.0
import { cells } from "../lib/cell.mjs";

cells({ clients: ["ref_v2", "ref_v1", "ours"], server: "ours", facilitator: "ours_remote" });

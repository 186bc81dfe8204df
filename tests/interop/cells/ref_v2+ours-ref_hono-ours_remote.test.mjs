// SPDX-License-Identifier: Apache-2.0
import { cells } from "../lib/cell.mjs";

cells({ clients: ["ref_v2", "ours"], server: "ref_hono", facilitator: "ours_remote" });

// SPDX-License-Identifier: Apache-2.0
import { cells } from "../lib/cell.mjs";

cells({ clients: ["ref_v1"], server: "ref_v1_express", facilitator: "ref_v1" });

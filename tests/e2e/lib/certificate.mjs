// SPDX-License-Identifier: Apache-2.0
// A certificate for 127.0.0.1 that nobody has heard of.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/// In a folder of `makeFolder`. Returns `{file, tls}`: what `--ca-file` takes, and what a server shows.
export function makeCertificate(folder) {
  const [keyFile, file] = [folder.path("key.pem"), folder.path("certificate.pem")];
  const name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  execFileSync("openssl", ["req", "-x509", ...curve, "-keyout", keyFile, "-out", file, "-days", "2", ...name], {
    stdio: "ignore",
  });
  return { file, tls: { key: readFileSync(keyFile), cert: readFileSync(file) } };
}

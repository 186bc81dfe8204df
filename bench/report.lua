-- SPDX-License-Identifier: Apache-2.0
-- wrk: what it measured, as one line of JSON. Costs nothing per request.

function done(summary, latency, requests)
    print()
    print(string.format(
        '{"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"refused":%d,"broken":%d}',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
        summary.errors.status,
        summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end

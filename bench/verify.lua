-- SPDX-License-Identifier: Apache-2.0
-- wrk: POST /verify with the bodies of a file (one per line), round and round; every answer must be a yes.
-- wrk … -s verify.lua URL -- BODIES

local requests = {}
local at = 0
wrongs = 0 -- global: read from the main thread

local threads = {}
function setup(thread)
    table.insert(threads, thread)
end

function init(args)
    local headers = { ["Content-Type"] = "application/json" }
    for body in io.lines(args[1]) do
        requests[#requests + 1] = wrk.format("POST", "/verify", headers, body)
    end
end

function request()
    at = at % #requests + 1
    return requests[at]
end

function response(status, headers, body)
    if status ~= 200 or not string.find(body, '"isValid":true', 1, true) then
        wrongs = wrongs + 1
    end
end

function done(summary, latency, _)
    local wrong = 0
    for _, thread in ipairs(threads) do
        wrong = wrong + thread:get("wrongs")
    end
    print()
    print(string.format(
        '{"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"refused":%d,"broken":%d}',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, wrong,
        summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end

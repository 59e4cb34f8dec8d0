-- SPDX-License-Identifier: MIT
-- wrk: what wrk posts, and its results as one line of JSON. Runs in wrk.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [[{"to":"recipient@bench.example","type":"SignIn","payload":{"code":"123456"}}]]

function done(summary, latency)
  local errors = summary.errors
  print(("{\"requests\":%d,\"us\":%d,\"p50\":%d,\"p99\":%d,\"failed\":%d}"):format(summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end

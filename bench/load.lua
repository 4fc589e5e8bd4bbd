-- One POST, sent again and again by wrk. Arguments after `--`: the body, "measure" or "check", a text that each answer must
-- hold, then headers as "Name: value". 100000 in body and headers becomes another number in each request: a session refuses
-- an id that is in use, and a token that is asked about already is not asked about twice. With "check" every answer is read,
-- which costs about a tenth of the throughput; with "measure" only wrk's own counts are kept, and bench/run compares the
-- bytes received with those expected. A header "Name: @FILE" has a line of that file as its value, another in each request.

local threads = {}
local variants = 4096 -- far more than are under way at once

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  wrk.method = "POST"
  expected = args[3]
  bad = 0
  local values = {} -- of the headers that differ, by name
  for i = 4, #args do
    local name, value = args[i]:match("^([^:]+): (.*)$")
    if value:sub(1, 1) == "@" then
      values[name] = {}
      for line in io.lines(value:sub(2)) do
        table.insert(values[name], line)
      end
    else
      wrk.headers[name] = value
    end
  end
  if args[2] == "check" then
    response = function(status, _, body)
      if status ~= 200 or not body:find(expected, 1, true) then
        bad = bad + 1
      end
    end
  end

  local requests, next_request = {}, 0
  for i = 0, variants - 1 do
    for name, lines in pairs(values) do
      wrk.headers[name] = lines[i % #lines + 1]
    end
    requests[i] = wrk.format(nil, nil, nil, args[1]):gsub("100000", tostring(100000 + i))
  end
  request = function()
    next_request = (next_request + 1) % variants
    return requests[next_request]
  end
end

-- The last line of the output, as JSON.
function done(summary, latency)
  local wrong = 0
  for _, thread in ipairs(threads) do
    wrong = wrong + thread:get("bad")
  end
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"bytes":%d,"p50_ms":%.4f,"p99_ms":%.4f,' ..
      '"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,"wrong_answer":%d}}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout, wrong))
end

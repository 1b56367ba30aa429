"""The guard's state in Redis, and the scripts that alone change it. Knows Redis's clock and no other.

- `mem:mode:forced:v1` JSON `{"mode","reason","until","forced_at","epoch","probe_failures"}`, there while forced;
  `until` (epoch seconds) is when the probe may try, null for a hold that only an operator ends;
- `mem:mode:epoch` grows with each change and never repeats, even after a loss: max(last + 1, TIME in microseconds);
- `mem:mode:initialised` says that the state is to be believed; without it nobody reads;
- `mem:read:failures` and `mem:read:slow`, sorted sets: reads of the last window that failed, or were slow, without one
  that was neither between them; `mem:read:consec_failures` mirrors the size of the first for people;
- `mem:read:window` a hash of reads by second, kept only where a failure ratio is asked for;
- `mem:read:pause:v1` JSON `{"reason","until"}`, ends by itself;
- `mem:mode:backoff` failed probes of the last hold, and until when they count for the next one;
- `mem:mode:shadow` until when a hold would last, were the guard not told to only look on;
- `mem:mode:transitions` a list of JSON, oldest first: what the control worker has still to store;
- `mem:mode:order` the operator's last order that was carried out;
- `mem:guard:counters` a hash: downgrades, recoveries and probe runs, for the metrics.
"""

FORCED_MODE_KEY = "mem:mode:forced:v1"
CONSECUTIVE_FAILURES_KEY = "mem:read:consec_failures"
PROBE_LOCK_KEY = "mem:mode:probe_lock:v1"
EPOCH_KEY = "mem:mode:epoch"
INITIALISED_KEY = "mem:mode:initialised"
FAILURES_KEY = "mem:read:failures"
SLOW_KEY = "mem:read:slow"
WINDOW_KEY = "mem:read:window"
PAUSE_KEY = "mem:read:pause:v1"
BACKOFF_KEY = "mem:mode:backoff"
SHADOW_KEY = "mem:mode:shadow"
TRANSITIONS_KEY = "mem:mode:transitions"
ORDER_KEY = "mem:mode:order"
COUNTERS_KEY = "mem:guard:counters"
LAST_PROBE_KEY = "mem:probe:last_run"
KEYS = (
    FORCED_MODE_KEY,
    EPOCH_KEY,
    INITIALISED_KEY,
    FAILURES_KEY,
    CONSECUTIVE_FAILURES_KEY,
    SLOW_KEY,
    WINDOW_KEY,
    PAUSE_KEY,
    BACKOFF_KEY,
    SHADOW_KEY,
    TRANSITIONS_KEY,
    ORDER_KEY,
    COUNTERS_KEY,
    PROBE_LOCK_KEY,
    LAST_PROBE_KEY,
)

# Numbers are written by hand: cjson keeps 14 digits, an epoch has 16.
_COMMON = """
local FORCED, EPOCH, INITIALISED, FAILURES, CONSEC, SLOW = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local WINDOW, PAUSE, BACKOFF, SHADOW, TRANSITIONS = KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local ORDER, COUNTERS, LOCK, LAST_PROBE = KEYS[12], KEYS[13], KEYS[14], KEYS[15]
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local raw = redis.call('GET', FORCED)
local forced = false
if raw then  -- what cannot be read is a hold that only an operator ends
  local is_json, found = pcall(cjson.decode, raw)
  forced = is_json and type(found) == 'table' and found or {}
  if type(forced['until']) ~= 'number' then forced['until'] = cjson.null end
  forced['probe_failures'] = tonumber(forced['probe_failures']) or 0
  forced['epoch'] = tonumber(forced['epoch']) or 0
end
local state = raw and 'forced' or 'open'
local initialised = redis.call('EXISTS', INITIALISED) == 1

local function next_epoch()
  local last = tonumber(redis.call('GET', EPOCH) or '0')
  local epoch = string.format('%.0f', math.max(last + 1, tonumber(time[1]) * 1000000 + tonumber(time[2])))
  redis.call('SET', EPOCH, epoch)
  return epoch
end

local function forget_streaks()
  redis.call('DEL', FAILURES, CONSEC, SLOW, WINDOW)
end

local function hold_seconds(first, longest, failed_probes, jitter)
  if failed_probes == 0 then return first end
  return math.min(longest, first * 2 ^ failed_probes * (1 + (jitter - 0.5) * 0.2))
end

local function remembered_failed_probes()
  local count, ends = string.match(redis.call('GET', BACKOFF) or '', '^(%d+) (%S+)$')
  return ends and now < tonumber(ends) and tonumber(count) or 0
end

local function record(epoch, after, reason, by, until_text, seconds, failed_probes, order)
  redis.call('RPUSH', TRANSITIONS, string.format(
    '{"epoch":%s,"at":%.6f,"before":"%s","after":"%s","reason":%s,"by":%s,"until":%s,"hold_seconds":%.1f,' ..
    '"probe_failures":%d,"order":%s}',
    epoch, now, state, after, cjson.encode(reason), cjson.encode(by), until_text, seconds, failed_probes, order))
  redis.call('LTRIM', TRANSITIONS, -1000, -1)
end

-- What is to become of an operator's order: '' where it is to be carried out now.
local function order_is(order)
  if order == '' then return '' end
  local last = tonumber(redis.call('GET', ORDER) or '0')
  if tonumber(order) == last then return 'repeated' end
  if tonumber(order) < last then return 'superseded' end
  redis.call('SET', ORDER, order)
  return ''
end

-- Hold from now on; seconds < 0: until an operator clears it.
local function force(reason, by, seconds, failed_probes, counter, order)
  local epoch = next_epoch()
  local until_text = seconds < 0 and 'null' or string.format('%.3f', now + seconds)
  redis.call('SET', FORCED, string.format(
    '{"mode":"write_only","reason":%s,"until":%s,"forced_at":%.3f,"epoch":%s,"probe_failures":%d}',
    cjson.encode(reason), until_text, now, epoch, failed_probes))
  record(epoch, 'forced', reason, by, until_text, math.max(seconds, 0), failed_probes, order)
  redis.call('HINCRBY', COUNTERS, 'downgrades:' .. counter, 1)
  redis.call('DEL', SHADOW)
  forget_streaks()
  return until_text
end

local function restore(reason, by, counter, order)
  local epoch = next_epoch()
  redis.call('DEL', FORCED)
  record(epoch, 'open', reason, by, 'null', 0, forced['probe_failures'], order)
  redis.call('HINCRBY', COUNTERS, 'recoveries:' .. counter, 1)
  forget_streaks()
end
"""

# ARGV: epoch, kind (success|slow|failure|auth), member, from-states, threshold, window, hold, longest, jitter,
#       least ratio, least reads for it, 1 to act or 0 to only count what it would have done
# -> {outcome (ignored|counted|tripped|shadow), reason, streak, until, hold seconds}
REPORT = (
    _COMMON
    + """
local kind, member, threshold, window = ARGV[2], ARGV[3], tonumber(ARGV[5]), tonumber(ARGV[6])
local ratio, least_reads = tonumber(ARGV[10]), tonumber(ARGV[11])
if not initialised or not string.find(ARGV[4], state, 1, true) or redis.call('GET', EPOCH) ~= ARGV[1] then
  return {'ignored', '', 0, '', '0'}
end

local function note_read(is_bad)
  if ratio == 0 then return end
  local place = tostring(tonumber(time[1]) % (2 * window))  -- a ring: it never grows
  local second, all, bad = string.match(redis.call('HGET', WINDOW, place) or '', '^(%d+) (%d+) (%d+)$')
  if second ~= time[1] then all, bad = 0, 0 end
  local counted = string.format('%s %d %d', time[1], all + 1, bad + (is_bad and 1 or 0))
  redis.call('HSET', WINDOW, place, counted)
  redis.call('EXPIRE', WINDOW, window * 2)
end

local function is_ratio_reached()
  if ratio == 0 then return true end
  local all, bad = 0, 0
  for _, counted in ipairs(redis.call('HVALS', WINDOW)) do
    local second, reads, failed = string.match(counted, '^(%d+) (%d+) (%d+)$')
    if tonumber(second) >= now - window then all, bad = all + reads, bad + failed end
  end
  return all < least_reads or bad / all >= ratio
end

local function streak(key)
  redis.call('ZADD', key, now, member)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
  redis.call('EXPIRE', key, math.ceil(window))
  return redis.call('ZCARD', key)
end

local function trip(reason, count)
  local failed_probes = remembered_failed_probes()
  local seconds = hold_seconds(tonumber(ARGV[7]), tonumber(ARGV[8]), failed_probes, tonumber(ARGV[9]))
  if ARGV[12] ~= '1' then
    forget_streaks()
    if now < tonumber(redis.call('GET', SHADOW) or '0') then return {'counted', '', count, '', '0'} end
    redis.call('SET', SHADOW, string.format('%.3f', now + seconds), 'EX', math.ceil(seconds))
    redis.call('HINCRBY', COUNTERS, 'shadow:' .. reason, 1)
    return {'shadow', reason, count, '', tostring(seconds)}
  end
  return {'tripped', reason, count, force(reason, 'guard', seconds, failed_probes, reason, 'null'), tostring(seconds)}
end

if kind == 'success' then
  redis.call('DEL', FAILURES, CONSEC, SLOW)
  note_read(false)
  return {'counted', '', 0, '', '0'}
end
if kind == 'auth' then return trip('auth', 1) end
note_read(kind == 'failure')
if kind == 'slow' then
  redis.call('DEL', FAILURES, CONSEC)
  local count = streak(SLOW)
  if count >= threshold then return trip('latency', count) end
  return {'counted', '', count, '', '0'}
end
local count = streak(FAILURES)
redis.call('SET', CONSEC, count, 'EX', math.ceil(window))
if count >= threshold and is_ratio_reached() then return trip('consecutive_failures', count) end
return {'counted', '', count, '', '0'}
"""
)

# ARGV: epoch, seconds -> {1 where reads are paused by it, until}
PAUSE = (
    _COMMON
    + """
if not initialised or forced or redis.call('GET', EPOCH) ~= ARGV[1] then return {0, ''} end
local ms = math.ceil(tonumber(ARGV[2]) * 1000)
if redis.call('PTTL', PAUSE) >= ms then return {0, ''} end
local until_text = string.format('%.3f', now + ms / 1000)
redis.call('SET', PAUSE, '{"reason":"rate_limited","until":' .. until_text .. '}', 'PX', ms)
return {1, until_text}
"""
)

# ARGV: from-states, reason, by, seconds (< 0: until cleared), order ('' for none)
# -> {outcome, until, state before}
# outcome: forced, unknown (not initialised), repeated (carried out before), superseded (a later order was)
FORCE = (
    _COMMON
    + """
if not initialised then return {'unknown', '', ''} end
local order = ARGV[5]
local said = order_is(order)
if said ~= '' then return {said, '', ''} end
if not string.find(ARGV[1], state, 1, true) then return {'superseded', '', ''} end
redis.call('DEL', BACKOFF)
return {'forced', force(ARGV[2], ARGV[3], tonumber(ARGV[4]), 0, 'manual', order == '' and 'null' or order), state}
"""
)

# ARGV: from-states, by, order ('' for none) -> {outcome}: cleared, unchanged, unknown, repeated, superseded
CLEAR = (
    _COMMON
    + """
if not initialised then return {'unknown'} end
local order = ARGV[3]
local said = order_is(order)
if said ~= '' then return {said} end
if not string.find(ARGV[1], state, 1, true) then return {'unchanged'} end
restore('cleared', ARGV[2], 'operator', order == '' and 'null' or order)
redis.call('DEL', BACKOFF)
return {'cleared'}
"""
)

# ARGV: token, lock seconds, 1 where reads are configured, 1 to ask although not due
# -> {outcome (not_forced|not_due|locked|go), epoch, 1 where only an operator may end the hold}
BEGIN_PROBE = (
    _COMMON
    + """
local function run(outcome)
  redis.call('HINCRBY', COUNTERS, 'probe:' .. outcome, 1)
  return {outcome, '', 0}
end
if not initialised then return {'not_due', '', 0} end
redis.call('SET', LAST_PROBE, string.format('%.3f', now))
if not forced then return run('not_forced') end
local open_end = forced['until'] == cjson.null
if ARGV[3] ~= '1' then return run('not_due') end
if ARGV[4] ~= '1' and (open_end or now < forced['until']) then return run('not_due') end
if not redis.call('SET', LOCK, ARGV[1], 'NX', 'EX', ARGV[2]) then return run('locked') end
return {'go', string.format('%.0f', forced['epoch']), open_end and 1 or 0}
"""
)

# ARGV: token, epoch, 1 where it passed, hold, longest, jitter, seconds for which failed probes are remembered
# -> {outcome (passed|failed|outlived), until, hold seconds}
END_PROBE = (
    _COMMON
    + """
if redis.call('GET', LOCK) ~= ARGV[1] then return {'outlived', '', '0'} end
redis.call('DEL', LOCK)
if not forced or string.format('%.0f', forced['epoch']) ~= ARGV[2] then return {'outlived', '', '0'} end
local failed_probes = forced['probe_failures']
local open_end = forced['until'] == cjson.null
if ARGV[3] == '1' then
  redis.call('HINCRBY', COUNTERS, 'probe:passed', 1)
  if open_end then return {'passed', 'null', '0'} end
  restore('probe_passed', 'probe', 'probe', 'null')
  if failed_probes > 0 then
    redis.call('SET', BACKOFF, string.format('%d %.3f', failed_probes, now + tonumber(ARGV[7])), 'EX', ARGV[7])
  end
  return {'passed', '', '0'}
end
redis.call('HINCRBY', COUNTERS, 'probe:failed', 1)
if open_end then return {'failed', 'null', '0'} end
failed_probes = failed_probes + 1
local seconds = hold_seconds(tonumber(ARGV[4]), tonumber(ARGV[5]), failed_probes, tonumber(ARGV[6]))
return {'failed', force('probe_failed', 'probe', seconds, failed_probes, 'probe_failed', 'null'), tostring(seconds)}
"""
)

# ARGV: epoch, forced JSON or '', last order -> 1 where the state was not there, or older, and is now as told
INITIALISE = (
    _COMMON
    + """
local known = tonumber(redis.call('GET', EPOCH) or '0')
if initialised and known >= tonumber(ARGV[1]) then return 0 end
if known < tonumber(ARGV[1]) then
  redis.call('SET', EPOCH, ARGV[1])  -- and one further below: reads begun before the loss count no more
  if ARGV[2] == '' then redis.call('DEL', FORCED) else redis.call('SET', FORCED, ARGV[2]) end
end
next_epoch()
if tonumber(ARGV[3]) > tonumber(redis.call('GET', ORDER) or '0') then redis.call('SET', ORDER, ARGV[3]) end
forget_streaks()
redis.call('SET', INITIALISED, string.format('%.3f', now))
return 1
"""
)

# ARGV: epoch -> how many entries up to it were dropped
DROP_STORED = """
local dropped = 0
while true do
  local oldest = redis.call('LINDEX', KEYS[1], 0)
  if not oldest or cjson.decode(oldest)['epoch'] > tonumber(ARGV[1]) then return dropped end
  redis.call('LPOP', KEYS[1])
  dropped = dropped + 1
end
"""

# ARGV: token -> 1 where the lock was ours
RELEASE_LOCK = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

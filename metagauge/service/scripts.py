"""The changes of a job that have to happen at once or not at all, as Lua that Redis runs.

The status of a job only ever changes here. A worker's right to change a job is its attempt number: each delivery gets
the next one, so a worker that was taken for dead cannot overwrite what its successor did.
"""

CREATE = """
-- KEYS: job, all jobs, jobs of its status, queued, running.  ARGV: id, limit (0: none), field, value, ...
-- Returns 1, or 0 when as many jobs are unfinished as the limit allows.
local limit = tonumber(ARGV[2])
if limit > 0 and redis.call('ZCARD', KEYS[4]) + redis.call('ZCARD', KEYS[5]) >= limit then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('ZADD', KEYS[2], 0, ARGV[1])
redis.call('ZADD', KEYS[3], 0, ARGV[1])
return 1
"""

DELIVER = """
-- KEYS: job, queued, running, lease.  ARGV: id, now, lease in milliseconds.
-- Returns the attempt number; 0 when the job is gone or final; -1 when a worker that seems to live is on it.
local status = redis.call('HGET', KEYS[1], 'status')
if status ~= 'queued' and status ~= 'running' then return 0 end
if redis.call('EXISTS', KEYS[4]) == 1 then return -1 end
local attempt = redis.call('HINCRBY', KEYS[1], 'attempts', 1)
redis.call('HSET', KEYS[1], 'status', 'running', 'progress', '0')
redis.call('HSETNX', KEYS[1], 'started_at', ARGV[2])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[3], 0, ARGV[1])
redis.call('SET', KEYS[4], attempt, 'PX', ARGV[3])
redis.call('PUBLISH', 'mg:changed:' .. ARGV[1], '')
return attempt
"""

ADVANCE = """
-- KEYS: job.  ARGV: id, attempt, stage, progress.
-- Returns 1, or 0 when the job is no longer this attempt's.
local held = redis.call('HMGET', KEYS[1], 'status', 'attempts')
if held[1] ~= 'running' or held[2] ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'stage', ARGV[3], 'progress', ARGV[4])
redis.call('PUBLISH', 'mg:changed:' .. ARGV[1], '')
return 1
"""

CONCLUDE = """
-- KEYS: job, queued, running, jobs of the final status, lease.
-- ARGV: id, attempt ('' for any), final status, time to live in seconds, field, value, ...
-- Returns 1; 0 when the job is final already or no longer this attempt's; -1 when there is none.
local held = redis.call('HMGET', KEYS[1], 'status', 'attempts')
if not held[1] then return -1 end
if held[1] ~= 'queued' and held[1] ~= 'running' then return 0 end
if ARGV[2] ~= '' and held[2] ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'status', ARGV[3], unpack(ARGV, 5))
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZADD', KEYS[4], 0, ARGV[1])
redis.call('DEL', KEYS[5])
redis.call('PUBLISH', 'mg:changed:' .. ARGV[1], '')
return 1
"""

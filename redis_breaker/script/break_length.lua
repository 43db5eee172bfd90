
---------------------------------- how long to stay open: simple_breaker/policies/break_length.cpp, function by function

local breaks = module(function(breaks)
  -- The product of 2^31 and 48271 fits into a Lua number's 53 bits.
  function breaks.dice(seed)
    local x = math.fmod(seed, 2147483647)
    for _ = 1, 3 do x = math.fmod(x * 48271, 2147483647) end
    return x / 2147483647
  end

  function breaks.next(previous)
    if previous == 0 then return policy.recovery_timeout end
    local most = math.max(policy.recovery_timeout, policy.recovery_timeout_maximum)
    return math.min(most, math.floor(previous * policy.recovery_timeout_multiplier))
  end

  function breaks.jittered(length, generation)
    local less = math.floor(length * (policy.recovery_timeout_jitter * breaks.dice(generation)))
    return math.max(1000, length - less)
  end
end)

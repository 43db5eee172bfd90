/* The shared breaker's protocol: the table in Redis, and N instances with cached views. naive_breaker.pml comes first.
 *
 * Modelled after ../script/state_machine.lua (the table), ../script/reconcile.lua (losses), ../cached_core.cpp (views)
 * and ../sync/published_view.hpp (the fast path). Two kinds of process: an `instance` calls, reports and follows pushes;
 * the `world` lets time pass and lets things go wrong, at most FAULTS times in a run.
 *
 * A `d_step` is one indivisible step. A run of the script is one, because Redis runs one script at a time. Its reply
 * arrives in the same step: until then an instance does nothing that depends on it, so a later arrival adds no outcome.
 *
 * P1 to P8 mark the properties. -D switches take one safeguard away each; check.sh lists them. README.md has the bounds,
 * and what is left out. */

#ifndef N
#define N 3                     /* instances */
#endif
#ifndef K
#define K 1                     /* permitted_calls_in_half_open */
#endif
#ifndef FAULTS
#define FAULTS 3                /* how much may go wrong in one run; every fault may be of any kind that KINDS has */
#endif

/* What may go wrong. A failing upstream always may. */
#define SLOW       1            /* a probe takes longer than its lease */
#define CRASH      2            /* an instance dies with its calls and starts again, knowing nothing */
#define LOST_REPLY 4            /* the script ran, or did not; the instance never learns */
#define CUT        8            /* the connection that listens dies, with every push on it */
#define FAILOVER  16            /* another server takes over, with the data */
#define RESTART   32            /* another server takes over, without the data */
#define EVICTION  64            /* the server evicts the breaker's keys */
#define FLUSH    128            /* a person runs FLUSHALL */
#define ORDER    256            /* a person forces the circuit open, until further notice */
#define CLOCK    512            /* Redis's clock is set back */
#ifndef KINDS
#define KINDS (SLOW | CRASH | LOST_REPLY)
#endif
#define MAY(kind) ((KINDS) & (kind)) && faults > 0

/* Durations, in ticks of the clock. */
#define BREAK   1               /* recovery_timeout */
#define LEASE   1               /* probe_timeout */
#define MAX_AGE 1               /* CachedView::longest_age: an unproved view is not used any longer */
#define BACK    1               /* by how much the clock is set back */

mtype = { closed, open, half_open };                   /* states */
mtype = { acquire, succeeded, failed, look, order };   /* events */

/* ---------------------------------------------------------------------------------------------- what Redis holds */

typedef Snapshot {
  bool exists;                  /* the keys are there */
  mtype state;
  byte generation;              /* one period in one state; a permit carries it, and a result must match it */
  byte epoch;                   /* the generation with which this line of generations began */
  byte lost;                    /* what callers know of another line counts only above this generation */
  bool forced;                  /* a person has forced the circuit open */
  byte left;                    /* of the break */
  bool leased[K];
  byte lease[K];                /* left of each probe's lease */
  byte timed_out;               /* the half-open generation that a timeout ended: its probe may still succeed */
  byte timed_out_probe
};
Snapshot s;

byte server = 1;                /* its run_id */
byte evictions, flushes;        /* that this server has counted */
byte newest;                    /* the highest generation ever used */
byte faults = FAULTS;

/* --------------------------------------------------------------------------------------- what an instance has */

typedef Known {                 /* the cached view, and what is sent with each request */
  mtype state;
  byte generation;              /* 0: it knows nothing */
  byte epoch;
  byte on;                      /* the server that said so */
  bool forced;
  byte wait;                    /* left of the break or of the leases */
  byte evictions, flushes       /* as that server had counted them */
};

typedef Instance {
  Known known;
  byte age;                     /* ticks since the view was proved fresh */
  byte listens_at;              /* the server whose pushes arrive; 0: the connection is dead */
  bool push_under_way;          /* to this instance */
  bool covered;                 /* it has listened there since before it fetched the view: no change was missed */

  bool calling;                 /* one call at a time, with this permit */
  byte generation, probe;       /* probe 0: the circuit was closed */

  bool half_way;                /* the fast path has read the first of two things */
  byte word;                    /* the state word, as it has read it: the generation if closed, or 0 */

  /* For the properties only. */
  byte behind;                  /* ticks since the circuit opened without this instance's knowledge */
  byte came_generation;         /* the view's generation when the call came */
  bool came_too_late            /* the view was out of date for MAX_AGE then */
};
Instance at[N];

/* The newest push. An older one that is still on its way could have arrived before this one was sent: nothing that an
 * instance does in between depends on it, so one is enough. */
mtype push_state = closed;
byte push_generation, push_epoch, push_wait;
bool push_forced;

/* For the properties only. */
byte last_probed;               /* the generation in which a probe was granted last */
byte spent;                     /* ticks since the break or the lease began, or since the clock was set back */
bool clock_went_back;
bool flush_unseen;              /* no script has run since a flush */
byte flushed;                   /* generations up to this one were flushed */
bool flush_binds;               /* no server has been lost since then */
byte ordered;                   /* the generation that the last order began, or in which it was restored */
bool moved_on;                  /* calls have moved the circuit on since the order, or it was lost too early */

hidden byte x, y, z, before, live, granted, base;
hidden byte admitted, lost_reply, new_generation, elsewhere, evicted, was_flushed, better;

/* -------------------------------------------------------------------- the script: state_machine.lua, reconcile.lua */

#define k at[me].known

/* A generation is the time at which it began, or one more than the last, whatever is higher. Time never repeats. */
inline next_generation() {
#ifdef GENERATIONS_ARE_COUNTED
  s.generation = base + 1;
#else
  s.generation = newest + 1;
#endif
  assert(s.generation > newest);   /* P4: every generation is used once */
  newest = s.generation;
  new_generation = true
}

inline clear_leases() {
  x = 0;
  do
  :: x < K -> s.leased[x] = false; s.lease[x] = 0; x++
  :: else -> break
  od
}

inline clear_timed_out() { s.timed_out = 0; s.timed_out_probe = 0 }

inline enter(to) {
  if
  :: s.state == open && to == half_open           /* a break is all that a probe that timed out survives */
  :: else -> clear_timed_out()
  fi;
#if (KINDS) & ORDER
  moved_on = moved_on || !s.forced;
#endif
  s.state = to;
  s.left = (to == open -> BREAK : 0);
  clear_leases();
  base = s.generation;
  next_generation();
  spent = 0;
  printf("      Redis: %e, generation %d\n", s.state, s.generation)
}

/* Continues with what the caller knows; half-open as open, as the holders of the leases are unknown. */
inline restore(begins_line) {
  assert(!flush_binds || k.generation > flushed);  /* P6: nothing from before a flush comes back */
  s.exists = true;
  s.forced = k.forced;
  s.left = (k.state == closed || k.forced -> 0 : k.wait);
  s.state = (k.state == half_open -> open : k.state);
  s.epoch = k.epoch;
  clear_timed_out();
  clear_leases();
  spent = 0;
  if
  :: begins_line || k.state == half_open ->
     base = (k.generation > s.generation -> k.generation : s.generation);
     next_generation();
     s.epoch = s.generation;
     s.lost = k.generation
  :: else -> s.generation = k.generation; new_generation = true
  fi;
  ordered = (s.forced -> s.generation : ordered);
  printf("      Redis: lost its data; restored from %c: %e, generation %d\n", 'A' + me, s.state, s.generation)
}

inline begin_line() {
  s.exists = true;
  s.state = closed;
  s.forced = false;
  s.left = 0;
  clear_timed_out();
  clear_leases();
  base = (k.generation > s.generation -> k.generation : s.generation);
  next_generation();
  s.epoch = s.generation;
  s.lost = (k.generation > 0 -> 255 : 0);          /* a reset is final; a fresh circuit is not */
  printf("      Redis: nothing there for %c: closed, generation %d\n", 'A' + me, s.generation)
}

/* Keeps what is stored, under a number above everything that the caller knows. */
inline outrank() {
  x = s.generation == s.epoch;
  base = k.generation;
  next_generation();
  s.epoch = (x -> s.generation : s.epoch)
}

#ifdef FLUSH_FORGOTTEN
#define FLUSHED false
#else
#define FLUSHED was_flushed
#endif

/* What was deleted stays deleted; what the server lost is restored. The rules in the order of reconcile.lua. */
inline reconcile() {
  elsewhere = k.generation > 0 && k.on != server;
  evicted = k.generation > 0 && k.on == server && evictions > k.evictions;
  was_flushed = (elsewhere -> flushes > 0 : flushes > k.flushes);
  better = k.generation > 0 && k.epoch != s.epoch && s.generation == s.epoch && k.generation > s.lost;
  if
  :: !s.exists && k.generation > 0 && !was_flushed && (elsewhere || evicted) -> restore(elsewhere)
  :: else ->
     if
     :: !s.exists -> begin_line()
     :: else ->
        if
        :: better && (k.state != closed || k.forced) && (s.state == closed || s.state == k.state) &&
           (elsewhere || evicted) && !FLUSHED -> restore(true)
        :: else ->
           if
           :: k.generation > 0 && k.epoch != s.epoch ->
              if
              :: better -> s.lost = k.generation
              :: else
              fi;
              if
              :: s.generation <= k.generation -> outrank()
              :: else
              fi
           :: else ->
              if
              :: s.generation < k.generation -> restore(true)
              :: else
              fi
           fi
        fi
     fi
  fi
}

/* No deadline is further away than when it was set, and a probe without an answer is a failed one. */
inline pass_time() {
  if
  :: clock_went_back -> spent = 0; clock_went_back = false
  :: else
  fi;
#ifndef CLOCK_BACK
  if
  :: s.left > BREAK -> s.left = BREAK
  :: else
  fi;
  x = 0;
  do
  :: x < K ->
     if
     :: s.lease[x] > LEASE -> s.lease[x] = LEASE
     :: else
     fi;
     x++
  :: else -> break
  od;
#endif
#ifndef LEASES_NEVER_END
  y = 0;
  do
  :: y < K && s.leased[y] && s.lease[y] == 0 ->
     z = s.generation;
     printf("      Redis: the lease of probe %d is over\n", y + 1);
     enter(open);
     s.timed_out = z;
     s.timed_out_probe = y + 1;
     break
  :: y < K && !(s.leased[y] && s.lease[y] == 0) -> y++
  :: else -> break
  od
#endif
}

inline do_acquire() {
  y = 0;                                           /* the first free lease */
#ifndef NO_LEASES
  do
  :: y < K && s.leased[y] -> y++
  :: else -> break
  od;
#endif
  if
  :: s.state == closed -> admitted = true
  :: s.state == open && !s.forced && s.left == 0 -> enter(half_open); y = 0; grant()
  :: s.state == half_open && y < K -> grant()
  :: else ->
     /* P7: no break or lease lasts longer than when it began, or when the clock was set back. */
     assert(s.forced || spent < (s.state == open -> BREAK : LEASE));
     printf("      Redis: %c is rejected\n", 'A' + me)
  fi
}

inline grant() {
  clear_timed_out();                               /* from now on only this probe counts */
  s.leased[y] = true;
  s.lease[y] = LEASE;
  spent = 0;
  last_probed = s.generation;
  admitted = true;
  granted = y + 1;
  live = 1;
  x = 0;
  do
  :: x < N ->
     if
     :: x != me && at[x].calling && at[x].probe > 0 && at[x].generation == s.generation -> live++
     :: else
     fi;
     x++
  :: else -> break
  od;
  printf("      Redis: probe %d of generation %d for %c\n", y + 1, s.generation, 'A' + me);
  assert(live <= K)                                /* P1: at most K probes of one half-open generation are under way */
}

/* The result belongs to the present generation. */
#define CURRENT (at[me].generation == s.generation)
#ifdef NO_GENERATION_CHECK
#undef CURRENT
#define CURRENT true
#endif

inline settle(success) {
  before = s.generation;
  if
  :: at[me].probe > 0 && at[me].generation == s.timed_out && at[me].probe == s.timed_out_probe ->
     clear_timed_out();
     if
     :: success -> enter(closed)
     :: else
     fi
  :: else ->
     if
     :: !CURRENT -> printf("      Redis: a late result, dropped\n")
     :: else ->
        if
        :: at[me].probe == 0 && s.state == closed && !success -> enter(open)
        :: at[me].probe > 0 && s.state == half_open ->
           if
           :: success -> enter(closed)
           :: else -> enter(open)
           fi
        :: else
        fi
     fi
  fi;
  /* P2: a late result changes nothing, but for the success of the very probe that time did not wait for. */
  assert(s.generation == before || at[me].generation == before ||
         (success && at[me].probe > 0 && at[me].generation == last_probed));
  at[me].calling = false; at[me].generation = 0; at[me].probe = 0
}

#ifdef LISTENER_AT_OLD_MASTER
#define PROVED(i) LISTENS_WELL(i)
#define LISTENS_WELL(i) (at[i].listens_at != 0)            /* some server answers its pings */
#else
#define PROVED(i) (LISTENS_WELL(i) && s.exists && s.generation == at[i].known.generation)
#define LISTENS_WELL(i) (at[i].listens_at == server)       /* the server that has the data */
#endif

#define WAIT \
  (s.state == open && s.forced -> BREAK : (s.state == open -> s.left : (s.state == half_open -> lease_wait : 0)))
hidden byte lease_wait;

/* One run of the script: reconcile, let time pass, apply the event, publish what is new, reply. */
inline run_script(event) {
  new_generation = false;
  admitted = false;
  granted = 0;
  if
  :: flush_unseen -> flush_unseen = false; flush_binds = true; flushed = newest
  :: else
  fi;
  reconcile();
  pass_time();
  if
  :: event == acquire -> do_acquire()
  :: event == succeeded -> settle(true)
  :: event == failed -> settle(false)
  :: event == order -> s.forced = true; moved_on = false; enter(open); s.left = 0; ordered = s.generation
  :: else
  fi;
  /* P5: an order is in force again once an instance that knows it asks, unless calls have moved the circuit on. */
  assert(!k.forced || k.generation <= flushed || moved_on || s.forced);
  lease_wait = LEASE;
  y = 0;
  do
  :: y < K ->
     if
     :: !s.leased[y] -> lease_wait = 0
     :: s.leased[y] && s.lease[y] < lease_wait -> lease_wait = s.lease[y]
     :: else
     fi;
     y++
  :: else -> break
  od;
  if
  :: new_generation && s.generation > push_generation -> publish()
  :: else
  fi;
  if
  :: !lost_reply -> take_reply()
  :: else -> printf("%c: the reply is lost\n", 'A' + me)
  fi
}

inline publish() {
  push_state = s.state; push_generation = s.generation; push_epoch = s.epoch; push_forced = s.forced; push_wait = WAIT;
  x = 0;
  do
  :: x < N -> at[x].push_under_way = at[x].listens_at == server && (x != me || lost_reply); x++
  :: else -> break
  od
}

inline cut(i) { at[i].push_under_way = false; at[i].listens_at = 0 }

/* ----------------------------------------------------------------------------------------------- an instance */

inline forget(field) {
  field.state = closed; field.generation = 0; field.epoch = 0; field.on = 0; field.forced = false; field.wait = 0;
  field.evictions = 0; field.flushes = 0
}

inline end_call() { at[me].calling = false; at[me].generation = 0; at[me].probe = 0 }

/* The result of a call without a probe is late as soon as the view has moved on. */
inline end_late_call() {
  if
  :: at[me].probe == 0 && at[me].generation != k.generation -> end_call()
  :: else
  fi
}

inline take_reply() {
  k.state = s.state;
  k.generation = s.generation;
  k.epoch = s.epoch;
  k.on = server;
  k.forced = s.forced;
  k.wait = WAIT;
  k.evictions = evictions;
  k.flushes = flushes;
  at[me].covered = LISTENS_WELL(me);
  at[me].age = 0;
  at[me].behind = 0;
  end_late_call();
  if
  :: admitted ->
     at[me].calling = true; at[me].generation = k.generation; at[me].probe = granted;
     printf("%c: admitted, generation %d, probe %d\n", 'A' + me, k.generation, at[me].probe)
  :: else
  fi
}

#define IDLE (!at[me].calling && !at[me].half_way)
#define USABLE (k.generation > 0 && at[me].age < MAX_AGE)

/* -------------------------------------------------------------------------------------------------- the fast path */

#define CLOSED_VIEW (k.generation > 0 && k.state == closed)

inline fast_path_begins() {
  at[me].half_way = true;
  at[me].came_generation = k.generation;
  at[me].came_too_late = at[me].behind >= MAX_AGE
}

inline fast_path_ends() {
  at[me].half_way = false;
  at[me].came_generation = 0;
  at[me].came_too_late = false;
  at[me].word = 0
}

/* P3: no call is admitted by a closed view that is older than the news which had arrived when the call came, or that
 * had been out of date for MAX_AGE by then. */
inline fast_path_admits(with) {
  printf("%c: admitted at once, generation %d\n", 'A' + me, with);
  assert(with >= at[me].came_generation && (with > at[me].came_generation || !at[me].came_too_late));
  at[me].calling = true;
  at[me].generation = with;
  fast_path_ends()
}

/* A look that could show nothing new is left out. */
#define MAY_SEE_MORE (k.generation > 0 && (!s.exists || k.generation != s.generation || k.epoch != s.epoch || \
                      k.on != server || k.evictions != evictions || k.flushes != flushes))

proctype instance(byte me) {
  mtype event; bool lost;
  do
  /* A call comes. The fast path reads two things without a lock, one after the other; see published_view.hpp. */
#ifndef IN_STEPS                /* in one step, where it is not the fast path that is studied */
  :: d_step { IDLE && CLOSED_VIEW && USABLE -> fast_path_begins(); fast_path_admits(k.generation) }
#else
#ifdef WORD_AND_FRESHNESS_APART
  :: d_step { IDLE && CLOSED_VIEW ->
       fast_path_begins();
       at[me].word = k.generation;
       printf("%c: a call reads the state: closed, generation %d\n", 'A' + me, at[me].word)
     }
  :: d_step { at[me].half_way ->
       if
       :: USABLE -> printf("%c: the call finds the view fresh\n", 'A' + me); fast_path_admits(at[me].word)
       :: else -> fast_path_ends()
       fi
     }
#else
  :: d_step { IDLE && CLOSED_VIEW && USABLE -> fast_path_begins() }
  :: d_step { at[me].half_way ->
       if
       :: CLOSED_VIEW -> fast_path_admits(k.generation)
       :: else -> fast_path_ends()
       fi
     }
#endif
#endif

  /* What an instance asks the store; a call that an open view rejects changes nothing, and is left out. */
  :: atomic {
       if
       :: IDLE && !(USABLE && (k.state == closed || k.wait > 0)) -> event = acquire
       :: at[me].calling && at[me].probe > 0 -> event = succeeded
       :: at[me].calling && at[me].generation == k.generation && faults > 0 -> event = failed; faults--
       :: MAY_SEE_MORE -> event = look
       :: MAY(ORDER) && !s.forced -> event = order; faults--
       fi;
       if
       :: lost = false
       :: MAY(LOST_REPLY) -> lost = true; faults--
       fi;
       d_step {
         printf("%c: %e\n", 'A' + me, event);
         lost_reply = lost;
         run_script(event);
         event = 0; lost = false
       }
     }

  /* A call ends, and the store need not know. */
  :: d_step { at[me].calling && (at[me].probe == 0 || at[me].generation != k.generation) -> end_call() }

  /* A push arrives. */
  :: d_step { at[me].push_under_way ->
       at[me].push_under_way = false;
       if
       :: push_generation > k.generation && at[me].covered ->
          printf("%c: push: %e, generation %d\n", 'A' + me, push_state, push_generation);
          k.state = push_state; k.generation = push_generation; k.epoch = push_epoch; k.wait = push_wait;
          k.forced = false;
          at[me].behind = 0;
          end_late_call();
          if
          :: push_forced -> at[me].age = MAX_AGE; at[me].covered = false     /* fetched before the next use */
          :: else
          fi
       :: else
       fi
     }

  /* What may go wrong with an instance. */
  :: d_step { MAY(LOST_REPLY) && at[me].probe > 0 ->
       faults--; printf("%c: the probe's result is lost\n", 'A' + me); end_call()
     }
  :: d_step { MAY(CUT) && at[me].listens_at != 0 ->
       faults--; printf("%c: stops receiving pushes\n", 'A' + me); cut(me)
     }
  :: d_step { MAY(CRASH) ->
       faults--;
       printf("%c: dies, and starts again\n", 'A' + me);
       forget(k); end_call(); fast_path_ends(); at[me].push_under_way = false;
       at[me].age = MAX_AGE; at[me].covered = false; at[me].behind = 0; at[me].listens_at = server
     }
  od
}

/* ------------------------------------------------------------------------------------------------------- the world */

inline forget_data() {
  s.exists = false; s.state = closed; s.generation = 0; s.epoch = 0; s.lost = 0; s.forced = false; s.left = 0;
  clear_leases();
  clear_timed_out()
}

inline another_server() {
  server++; evictions = 0; flushes = 0; flush_unseen = false;
#ifndef STRICT_FLUSH
  flush_binds = false
#else
  skip
#endif
}

#define PROBES(i, p) (at[i].calling && at[i].probe == p + 1 && at[i].generation == s.generation)
#define NEEDS_TIME(p) (s.leased[p] && s.lease[p] == 1 && (PROBES(0, p) || PROBES(1, p) || PROBES(N - 1, p)))
#define A_PROBE_NEEDS_TIME (NEEDS_TIME(0) || NEEDS_TIME(K - 1))

inline count_down(what) {
  if
  :: what > 0 -> what--
  :: else
  fi
}

/* P5 holds for an order that every instance knows, but for those that know nothing. README.md, "What it found". */
inline not_all_know() {
  x = 0;
#ifndef STRICT_ORDER
  do
  :: x < N ->
     moved_on = moved_on || at[x].known.generation > 0 && !(at[x].known.forced && at[x].known.generation >= ordered);
     x++
  :: else -> break
  od;
#endif
  x = 0
}

/* The synchronizer proves once a tick that it listens to the right server, which still has the breaker as the view has
 * it, and that every push up to now has arrived; or it listens again. */
inline prove_freshness(i) {
  if
  :: PROVED(i) && at[i].covered && !at[i].push_under_way -> at[i].age = 0
  :: else -> at[i].age = MAX_AGE
  fi;
  if
  :: !LISTENS_WELL(i) -> cut(i); at[i].listens_at = server; at[i].covered = false
  :: else
  fi;
  if
  :: s.exists && s.state != closed && at[i].known.generation != s.generation -> at[i].behind = MAX_AGE  /* which is 1 */
  :: s.exists && at[i].known.generation == s.generation -> at[i].behind = 0
  :: else
  fi
}

inline tick() {
  printf("A tick passes\n");
  count_down(s.left);
  y = 0;
  do
  :: y < K -> count_down(s.lease[y]); y++
  :: else -> break
  od;
#if (KINDS) & CLOCK
  if
  :: spent < BREAK + BACK -> spent++
  :: else
  fi;
#endif
  x = 0;
  do
  :: x < N -> count_down(at[x].known.wait); prove_freshness(x); x++
  :: else -> break
  od;
  x = 0; y = 0
}

proctype world() {
  do
  :: d_step { !A_PROBE_NEEDS_TIME -> tick() }
  :: d_step { A_PROBE_NEEDS_TIME && MAY(SLOW) -> faults--; printf("A probe is slow:\n"); tick() }
  :: d_step { MAY(FAILOVER) && s.exists ->
       faults--; another_server(); printf("Server %d takes over, with the data\n", server)
     }
  :: d_step { MAY(RESTART) ->
       faults--; another_server(); forget_data(); not_all_know(); printf("Server %d takes over, without the data\n", server)
     }
  :: d_step { MAY(EVICTION) && s.exists ->
       faults--; evictions++; forget_data(); not_all_know(); printf("The server evicts the keys\n")
     }
  :: d_step { MAY(FLUSH) && s.exists ->
       faults--; flushes++; flush_unseen = true; forget_data(); printf("A person flushes the server\n")
     }
  :: d_step { MAY(CLOCK) && s.exists ->
       faults--;
       printf("Redis's clock is set back\n");
       clock_went_back = true;
       if
       :: s.left > 0 -> s.left = s.left + BACK
       :: else
       fi;
       y = 0;
       do
       :: y < K && s.leased[y] -> s.lease[y] = s.lease[y] + BACK; y++
       :: y < K && !s.leased[y] -> y++
       :: else -> break
       od;
       y = 0
     }
  od
}

init {
  byte i;
  atomic {
    d_step {                                       /* the fleet has been running for a while; all is well */
      s.exists = true; s.state = closed; s.generation = 1; s.epoch = 1; newest = 1;
      i = 0;
      do
      :: i < N ->
         at[i].known.state = closed; at[i].known.generation = 1; at[i].known.epoch = 1; at[i].known.on = server;
         at[i].listens_at = server; at[i].covered = true;
         i++
      :: else -> break
      od;
      i = 0
    }
    for (i : 0 .. N - 1) { run instance(i) }
    run world()
  }
}

/* P8: never open or half-open for good, unless a person wants it. */
ltl recovers { [] <> (!s.exists || s.state == closed || s.forced) }

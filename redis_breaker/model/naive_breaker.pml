/* The textbook's shared breaker, as ../naive_redis_breaker.cpp has it: GET, think, SET. Read this model first.
 *
 * A model is a small program whose `do` and `if` choose freely among the branches that can run (`::`), and whose
 * processes may be interrupted between any two statements. spin tries every choice and every interruption.
 *
 * Bounds: 3 instances, each with one call at a time; FAULTS failed calls or crashes in a run; a threshold of 1. */

#ifndef FAULTS
#define FAULTS 2
#endif
#define N 3

mtype = { closed, open, half_open };

/* What Redis holds. Each GET and each SET is one statement: Redis runs one command at a time. */
mtype state = closed;
bool break_is_over = false;     /* now - last_failure >= recovery_timeout */

byte faults = FAULTS;           /* how much may still fail */

/* For the properties only. */
byte probes = 0;                /* under way */
byte trips = 0;                 /* how often the circuit has opened */

proctype instance(byte me) {
  mtype seen;                   /* the answer to the last GET */
  bool is_probe;
  byte admitted_at;             /* trips when the call was admitted */

  do
  :: seen = state;                                              /* acquire(): GET state */
     if
     :: seen == closed -> is_probe = false
     :: seen == open && break_is_over ->                        /* GET last_failure: the break is over */
        printf("%c sees: open, and the break is over\n", 'A' + me);
        state = half_open;                                      /* SET state half_open */
        is_probe = true
     :: else -> goto rejected
     fi;
     atomic {
       admitted_at = trips;
       if
       :: is_probe -> probes++; printf("%c sends a probe; %d under way\n", 'A' + me, probes)
       :: else -> printf("%c sends a call\n", 'A' + me)
       fi;
#ifdef CHECK_PROBES
       assert(probes <= 1)                                      /* N1: at most one probe is under way */
#endif
     }
     if
     :: skip ->                                                 /* the call succeeds */
        atomic { probes = probes - is_probe; seen = state; printf("%c: success; it sees %e\n", 'A' + me, seen) }
        if
        :: seen == half_open ->
           atomic {
             state = closed;                                    /* SET state closed */
             printf("%c closes the circuit\n", 'A' + me);
#ifdef CHECK_LATE
             assert(admitted_at == trips)                       /* N2: no call from before a trip closes the circuit */
#endif
           }
        :: else
        fi
     :: atomic { faults > 0 -> faults-- };                      /* it fails */
        atomic { probes = probes - is_probe; break_is_over = false };  /* SET last_failure */
        seen = state;                                           /* GET state */
        if
        :: seen != open -> atomic { state = open; trips++; printf("%c fails, and opens the circuit\n", 'A' + me) }
        :: else
        fi
     :: atomic { faults > 0 -> faults--; probes = probes - is_probe; printf("%c dies\n", 'A' + me) };
        goto end                                                /* its call gets no answer, and never a SET */
     fi;
rejected:
     skip
  od;
end:
  skip
}

/* recovery_timeout passes. */
proctype clock() {
end:
  do
  :: atomic { state == open && !break_is_over -> break_is_over = true; printf("the break is over\n") }
  od
}

init {
  byte i;
  atomic {
    for (i : 0 .. N - 1) { run instance(i) }
    run clock()
  }
}

/* N3: a half-open circuit does not stay half-open for good. */
ltl leaves_half_open { [] (state == half_open -> <> (state != half_open)) }

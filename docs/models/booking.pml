/*
 * The flow of a booking (flows/booking.flow.ts): pin, authorise, sell, confirm, capture, and the way
 * back from each. WORKERS core nodes take the booking whenever it is due; each may stop for ever
 * between any two steps, or stall past its lease and go on late. A request to the payment provider
 * may time out and still be carried out afterwards. The hold may run out at any time.
 *
 * Claimed, once all is quiet: money was captured exactly when there are tickets and the seats are
 * sold; nobody is charged before the seats are sold; a booking that ended leaves no open intent.
 *
 * Each rule is needed; leaving one out makes the checker find a counterexample:
 *   -DNO_VERSION        writes the next step without comparing the version
 *   -DUNDO_UNCERTAIN    takes an unknown capture for a refused one and undoes the sale
 *   -DCAPTURE_FIRST     captures before the seats are sold
 *   -DFORGET_REFUSAL    does not remember that a sale was refused
 */
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef RUNS
#define RUNS 6 /* how often one worker may take the booking */
#endif

mtype = { PIN, AUTHORISE, SELL, CONFIRM, CAPTURE, CANCEL_UNSOLD, CANCEL_SOLD, VOID, UNSELL,
          CONFIRMED, EXPIRED, CANCELLED };
mtype = { NONE, AUTHORISED, DECLINED, SUCCEEDED, CANCELED };
mtype = { UNDECIDED, SOLD, REFUSED, UNSOLD };
mtype = { DO_AUTHORISE, DO_CAPTURE, DO_CANCEL };

mtype step = PIN;
byte version = 0;
mtype intent = NONE;
mtype sale = UNDECIDED;
bool hold_lives = true;
bool tickets = false;
byte workers_done = 0;
chan late = [2] of { mtype }; /* requests that timed out and are still on their way */

#define is_final (step == CONFIRMED || step == EXPIRED || step == CANCELLED)

/* What the provider does with a request; the bank may decline. */
inline carry_out(request) {
  if
  :: request == DO_AUTHORISE ->
     if
     :: intent == NONE -> intent = AUTHORISED
     :: intent == NONE -> intent = DECLINED
     :: else -> skip
     fi
  :: request == DO_CAPTURE ->
     if
     :: intent == AUTHORISED ->
#ifndef CAPTURE_FIRST
        assert(sale == SOLD && tickets);
#endif
        intent = SUCCEEDED
     :: else -> skip
     fi
  :: request == DO_CANCEL ->
     if
     :: intent == NONE || intent == AUTHORISED || intent == DECLINED -> intent = CANCELED
     :: else -> skip
     fi
  fi
}

/* A request and its outcome: known, or a time-out after which it may still arrive. */
inline ask(request, known) {
  if
  :: atomic { carry_out(request); known = true }
  :: atomic { nfull(late) -> late ! request; known = false }
  :: known = false /* never arrives */
  fi
}

active proctype Network() {
  mtype request;
end:
  do
  :: atomic { late ? request -> carry_out(request) }
  od
}

active proctype Time() {
  hold_lives = false
}

#ifdef NO_VERSION
#define still_mine true
#else
#define still_mine (version == mine)
#endif

inline go(next) {
  atomic {
    if
    :: still_mine -> step = next
    :: else -> skip
    fi
  }
}

inline decide_sale(no) {
  atomic { /* one durable answer for each booking */
    if
    :: sale == UNDECIDED && hold_lives -> sale = SOLD
    :: sale == UNDECIDED && !hold_lives -> sale = REFUSED /* somebody else has the seats */
    :: sale == UNDECIDED && !hold_lives -> sale = SOLD    /* retaken: they are still free */
#ifdef FORGET_REFUSAL
    :: sale == REFUSED -> sale = SOLD
    :: sale == UNSOLD -> sale = SOLD
#endif
    :: sale != UNDECIDED -> skip
    fi;
    no = (sale != SOLD)
  }
}

inline confirm() {
  atomic { /* one transaction: tickets, ledger, outbox, next step */
    if
    :: still_mine -> tickets = true; step = CAPTURE
    :: else -> skip
    fi
  }
}

proctype Worker() {
  byte mine, runs;
  mtype at;
  bool known, refused;
  do
  :: atomic { is_final || runs == RUNS -> break }
  :: atomic { !is_final && runs < RUNS -> runs++; version++; mine = version; at = step };
     if
     :: at == PIN ->
        if
        :: sale == SOLD -> go(AUTHORISE) /* by a worker that died before it wrote so */
        :: hold_lives -> go(AUTHORISE)
        :: !hold_lives -> go(CANCEL_UNSOLD)
        fi
     :: at == AUTHORISE ->
        ask(DO_AUTHORISE, known);
        if
#ifdef CAPTURE_FIRST
        :: known && intent == AUTHORISED -> ask(DO_CAPTURE, known); go(SELL)
#else
        :: known && intent == AUTHORISED -> go(SELL)
        :: known && intent == AUTHORISED -> /* the write behind the sale tells it */
           decide_sale(refused);
           if
           :: refused -> go(CANCEL_UNSOLD)
           :: else -> confirm()
           fi
#endif
        :: known && intent != AUTHORISED -> go(CANCEL_UNSOLD)
        :: !known -> skip
        fi
     :: at == SELL ->
        decide_sale(refused);
        if
        :: refused -> go(CANCEL_UNSOLD)
        :: else -> go(CONFIRM)
        fi
     :: at == CONFIRM ->
        confirm()
     :: at == CAPTURE ->
        if
        :: ask(DO_CAPTURE, known);
           if
           :: known && intent == SUCCEEDED -> go(CONFIRMED)
           :: known && intent != SUCCEEDED -> go(CANCEL_SOLD)
#ifdef UNDO_UNCERTAIN
           :: !known -> go(VOID)
#else
           :: !known -> skip
#endif
           fi
        :: intent == AUTHORISED -> go(CANCEL_SOLD) /* the bank refuses the capture */
        fi
     :: at == CANCEL_SOLD ->
        ask(DO_CANCEL, known);
        if
        :: known && intent == SUCCEEDED -> go(CONFIRMED) /* it was captured after all */
        :: known && intent == CANCELED -> go(VOID)
        :: else -> skip
        fi
     :: at == VOID ->
        atomic {
          if
          :: still_mine -> tickets = false; step = UNSELL
          :: else -> skip
          fi
        }
     :: at == UNSELL ->
        atomic { sale = UNSOLD };
        go(CANCELLED)
     :: at == CANCEL_UNSOLD ->
        ask(DO_CANCEL, known);
        if
        :: known ->
           atomic { /* unsell: a sale that was not decided yet is refused for good */
             if
             :: sale == UNDECIDED -> sale = REFUSED
             :: sale == SOLD -> sale = UNSOLD
             :: else -> skip
             fi
           };
           go(EXPIRED)
        :: else -> skip
        fi
     fi
  od;
  workers_done++
}

init {
  byte i;
  atomic {
    for (i : 1 .. WORKERS) { run Worker() }
  }
  /* Quiet: the booking is final and nothing is on its way. */
end: atomic {
    is_final && empty(late) && workers_done == WORKERS ->
    assert(step != CONFIRMED || (intent == SUCCEEDED && tickets && sale == SOLD));
    assert(step == CONFIRMED || (intent != SUCCEEDED && intent != AUTHORISED));
    assert(step == CONFIRMED || (!tickets && sale != SOLD))
  }
}

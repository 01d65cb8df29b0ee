/*
 * Claim, append and refusal of one event's journal (rules 3 to 5 of docs/actors.md).
 *
 * One seat, NODES owners that may all believe to own the event, a journal of SLOTS entries. A write
 * is a message: it may be applied late, twice, or never, and its answer may be lost. The primary may
 * lose entries that no majority has yet, and an old primary may answer majority reads from the past.
 * A node may pause for as long as it likes between any two of its steps, which is what interleaving
 * means here.
 *
 * Claimed:
 *   - no fork: what a majority has at a seq never changes;
 *   - the seat is sold at most once;
 *   - an answered sale is in the journal for good;
 *   - a refusal ("sold already", "not sold: still free") was true when it was read;
 *   - a fenced owner never commits: epochs along the journal never fall.
 *
 * Each rule is needed; leaving one out makes the checker find a counterexample:
 *   -DANSWER_EARLY    answers a sale once it was sent, not once a majority has it
 *   -DSTALE_REFUSAL   refuses after a majority read, which an old primary may serve
 *   -DTRUST_SILENCE   takes an unanswered write for one that never happened
 */
#ifndef NODES
#define NODES 2
#endif
#ifndef SLOTS
#define SLOTS 5
#endif
#define NOBODY 0

/* What stands at a seq: who wrote it and what it says. */
#define CLAIM 1
#define SELL 2
#define FREE 3

/* The journal as the present primary has it. */
byte owner[SLOTS]; /* node, NOBODY when empty */
byte kind[SLOTS];
byte epoch[SLOTS];
byte committed; /* entries below it are on a majority for good */
byte old_view;  /* how far an old primary, not yet aware of the new one, shows it */

/* A write under way: seq, node, kind, epoch. */
chan network = [2] of { byte, byte, byte, byte };

/* What the world was told and what has come true; only assertions read these. */
bool seat_sold;        /* by the committed entries */
byte answered[SLOTS];  /* the node that told its buyer "sold" on account of this seq */
byte denied[SLOTS];    /* the node that told its buyer "not sold" of its write at this seq */

/* What the first `n` entries say. */
inline read_prefix(n, is_sold, last_epoch) {
  d_step {
    scan = 0; is_sold = false; last_epoch = 0;
    do
    :: scan < n ->
       if
       :: kind[scan] == SELL -> is_sold = true
       :: kind[scan] == FREE -> is_sold = false
       :: kind[scan] == CLAIM -> last_epoch = epoch[scan]
       fi;
       scan++
    :: else -> break
    od;
    scan = 0
  }
}

/* Applies writes, commits them, and forgets in an election what no majority had. */
active proctype Server() {
  byte seq, who, what, of_epoch;
end:
  do
  :: atomic { network ? seq, who, what, of_epoch ->
       if
       :: owner[seq] == NOBODY && (seq == 0 || owner[seq - 1] != NOBODY) ->
          owner[seq] = who; kind[seq] = what; epoch[seq] = of_epoch
       :: else -> skip /* the key is taken, or the entry before it was rolled back */
       fi;
       seq = 0; who = 0; what = 0; of_epoch = 0
     }
  :: atomic { network ? seq, who, what, of_epoch -> /* lost */
       seq = 0; who = 0; what = 0; of_epoch = 0
     }
  :: d_step { committed < SLOTS && owner[committed] != NOBODY ->
       assert(committed == 0 || epoch[committed] >= epoch[committed - 1]);
       assert(answered[committed] == NOBODY || answered[committed] == owner[committed]);
       assert(!(kind[committed] == SELL && denied[committed] == owner[committed]));
       if
       :: kind[committed] == SELL -> assert(!seat_sold); seat_sold = true
       :: kind[committed] == FREE -> assert(seat_sold); seat_sold = false
       :: else -> skip
       fi;
       committed++
     }
  :: d_step { committed < SLOTS && owner[committed] != NOBODY ->
       seq = committed;
       do
       :: seq < SLOTS -> owner[seq] = NOBODY; kind[seq] = 0; epoch[seq] = 0; seq++
       :: else -> break
       od;
       seq = 0
     }
#ifdef STALE_REFUSAL
  :: d_step { old_view < committed -> old_view++ }
#endif
  od
}

/* Rule 4: the same write again and again until a majority read shows an entry at seq. */
inline write_until_seen(seq, what, of_epoch, mine) {
  do
  :: nfull(network) -> network ! seq, me, what, of_epoch
  :: atomic { committed > seq ->
       mine = (owner[seq] == me && kind[seq] == what && epoch[seq] == of_epoch);
       break
     }
  od
}

proctype Owner(byte me) {
  byte head, my_epoch, seen_epoch, scan;
  bool sold, mine, now_sold;
claim:
  atomic { head = committed; read_prefix(head, sold, seen_epoch) }
  if
  :: head >= SLOTS - 1 -> goto done
  :: else -> my_epoch = seen_epoch + 1
  fi;
  write_until_seen(head, CLAIM, my_epoch, mine);
  if
  :: !mine -> goto claim
  :: else -> head++
  fi;
  do
  :: head >= SLOTS -> break
  :: head < SLOTS && !sold -> /* a batch that sells the seat */
#ifdef ANSWER_EARLY
     answered[head] = me;
#endif
#ifdef TRUST_SILENCE
     atomic { nfull(network) && committed <= head ->
       network ! head, me, SELL, my_epoch;
       denied[head] = me
     }
     goto claim;
#endif
     write_until_seen(head, SELL, my_epoch, mine);
     if
     :: mine -> atomic { answered[head] = me; head++; sold = true }
     :: else -> goto claim /* fenced: nobody is answered */
     fi
  :: head < SLOTS && sold -> /* a batch that frees it again */
     write_until_seen(head, FREE, my_epoch, mine);
     if
     :: mine -> atomic { head++; sold = false }
     :: else -> goto claim
     fi
  :: head < SLOTS -> /* a batch without facts, answered after rule 5's read at seq + 1 */
#ifdef STALE_REFUSAL
     atomic {
       if
       :: old_view <= head -> read_prefix(committed, now_sold, seen_epoch); assert(now_sold == sold)
       :: else -> goto claim
       fi
     }
#else
     atomic {
       if
       :: owner[head] == NOBODY ->
          read_prefix(committed, now_sold, seen_epoch);
          assert(now_sold == sold)
       :: else -> goto claim
       fi
     }
#endif
  od;
done: skip
}

init {
  byte i;
  atomic {
    for (i : 1 .. NODES) { run Owner(i) }
  }
}

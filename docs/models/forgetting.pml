/*
 * Forgetting (snapshots, compaction, retention) of one event's journal, docs/actors.md.
 *
 * NODES owners claim, replay, serve, save snapshots and empty bodies; each may pause for as long as
 * it likes between any two steps, stop for good, or start again. That a key is inserted once and that
 * an owner learns whether it was its own insert is what journal.pml shows; here it is one step. A
 * claimer asks for the newest snapshot and may be answered with the one before, as by an old primary.
 *
 * An entry says its writer's number; a state is the sum of what the entries up to its seq say.
 *
 * Claimed:
 *   - whoever begins to serve has exactly the state of the entries up to its claim;
 *   - what a snapshot says is the state of committed entries;
 *   - a body is emptied only when a complete snapshot stands above it;
 *   - a key that was ever taken is never taken again.
 *
 * Each rule is needed; leaving one out makes the checker find a counterexample:
 *   -DEMPTY_IS_NOTHING    reads an emptied entry as an entry without facts
 *   -DSNAPSHOT_IN_FLIGHT  takes a snapshot of a state with a batch in flight
 *   -DCOMPACT_AHEAD       empties bodies that no snapshot stands for yet
 *   -DDELETE_EARLY        deletes keys while an owner may still be paused
 *
 * Keys are deleted by an owner, which has claimed the event for that. That an entry was written
 * `keysKeptAfterEndMs` ago is here: nobody is left who has not learnt of it, being over, or at that
 * entry or behind it. At the end an owner that comes long after deletes all below the snapshot.
 */
#ifndef NODES
#define NODES 2
#endif
#ifndef SLOTS
#define SLOTS 5
#endif
#ifndef RUNS
#define RUNS 2 /* how often a node may claim */
#endif

/* The journal: entries 1 to SLOTS; 0 is the empty event. */
byte said[SLOTS + 1]; /* the writer, 0 where there is no key */
bool emptied[SLOTS + 1];
byte high; /* the last committed entry */

/* The newest complete snapshot and the one before. */
byte new_seq, new_sum, old_seq, old_sum;
byte finished;

/* The last entry that each node knows of; whoever is over writes nothing more. */
byte knows[NODES + 1];
#define LEARNT(k) (knows[1] >= k && knows[2] >= k)
#if NODES != 2
#error "LEARNT names two nodes"
#endif

/* What has come true; only assertions read these. */
bool taken[SLOTS + 1];
byte truth[SLOTS + 1]; /* the state at each seq */

inline insert(at) {
  atomic {
    mine = (said[at] == 0);
    if
    :: mine ->
       assert(!taken[at]);
       said[at] = me;
       taken[at] = true;
       truth[at] = truth[at - 1] + me;
       knows[me] = at;
       high = at
    :: else -> skip
    fi
  }
}

/* Chunks first, the header last: before it, a crash leaves nothing that counts. */
inline save(at, what) {
  atomic {
    if
    :: at > new_seq -> old_seq = new_seq; old_sum = new_sum; new_seq = at; new_sum = what
    :: else -> skip
    fi
  }
}

proctype Owner(byte me) {
  byte seq, sum, done, saved, chunk, runs;
  bool mine;
claim:
  atomic {
    saved = 0; sum = 0; done = 0; chunk = 0;
    if
    :: runs == RUNS || high >= SLOTS - 1 -> goto over
    :: else -> runs++; seq = high + 1; knows[me] = high
    fi
  }
  insert(seq);
  if
  :: !mine -> goto claim
  :: else -> skip
  fi;
load:
  atomic {
    if
    :: done = new_seq; sum = new_sum
    :: done = old_seq; sum = old_sum
    fi;
    if
    :: done > seq -> goto over /* somebody else owns the event by now */
    :: else -> skip
    fi
  }
  do
  :: done < seq ->
     atomic {
       if
       :: said[done + 1] == 0 -> goto load
#ifdef EMPTY_IS_NOTHING
       :: said[done + 1] != 0 && emptied[done + 1] -> done++
#else
       :: said[done + 1] != 0 && emptied[done + 1] -> goto load
#endif
       :: said[done + 1] != 0 && !emptied[done + 1] -> done++; sum = sum + said[done]
       fi
     }
  :: done == seq -> break
  od;
  assert(sum == truth[seq]);
  do
  :: seq == SLOTS -> goto over
  :: seq < SLOTS -> /* a batch */
#ifdef SNAPSHOT_IN_FLIGHT
     save(seq + 1, sum + me);
#endif
     insert(seq + 1);
     if
     :: mine -> atomic { seq++; sum = sum + me }
     :: else -> goto claim /* fenced */
     fi
  :: saved < seq -> /* of the last committed entry, while no batch is in flight */
     assert(sum == truth[seq]);
     chunk = seq;
     save(chunk, sum);
     saved = chunk
#ifdef COMPACT_AHEAD
  :: seq > 1 && !emptied[seq - 1] ->
     atomic { chunk = seq - 1; assert(chunk <= new_seq); emptied[chunk] = true }
#else
  :: saved > 0 -> /* bodies below a snapshot that was read back, never the last entry's */
     atomic {
       chunk = (saved < seq -> saved : seq - 1);
       do
       :: chunk > 0 && !emptied[chunk] ->
          assert(chunk <= new_seq);
          emptied[chunk] = true;
          chunk--
       :: else -> break
       od
     }
#endif
#ifdef DELETE_EARLY
  :: saved > 1 -> atomic { chunk = saved - 1; said[chunk] = 0 }
#else
  :: saved > 1 -> /* keys below a snapshot that was read back, in order, never the last one */
     atomic {
       chunk = 1;
       do
       :: chunk < saved && (said[chunk] == 0 || (emptied[chunk] && LEARNT(chunk))) ->
          assert(chunk < new_seq && chunk < high);
          said[chunk] = 0;
          chunk++
       :: else -> break
       od
     }
#endif
  :: goto claim /* stopped or cut off, and started again */
  :: goto over  /* stopped for good */
  od;
over:
  atomic { knows[me] = SLOTS; finished++ }
}

/* Long after the event has ended, when nothing can be on its way any more. */
active proctype Retention() {
  byte at = 1;
end:
  finished == NODES;
  do
  :: at < new_seq -> atomic { said[at] = 0; at++ }
  :: else -> break
  od
}

init {
  byte i;
  atomic {
    for (i : 1 .. NODES) { run Owner(i) }
  }
}

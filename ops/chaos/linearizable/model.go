package main

import "github.com/anishathalye/porcupine"

// What clients did with one seat. Kinds that end in "?" may have had their effect or not.
const (
	hold         = "hold"     // the seat was reserved by this hold
	holdMaybe    = "hold?"    //
	taken        = "taken"    // a reserve was refused and named this seat
	free         = "free"     // a reserve was refused because of others, not of this seat
	release      = "release"  // the hold was given back
	releaseMaybe = "release?" //
	sell         = "sell"     // the hold became a booking
	sellMaybe    = "sell?"    //
	cancel       = "cancel"   // the booking gave the seat back
	cancelMaybe  = "cancel?"  //
	readHeld     = "held"     // the hold was read and was live
	readSold     = "sold"     // the hold was read and had become a booking
	ended        = "ended"    // the hold was said to have expired
)

// op is one operation as its client saw it. Times are microseconds of one clock.
type op struct {
	Kind string `json:"k"`
	// The hold that it is about; for taken and free: none.
	Hold string `json:"h,omitempty"`
	Call int64  `json:"c"`
	// Absent (0): the client never learnt the outcome.
	Return int64 `json:"r,omitempty"`
	// hold, hold?: the hold's deadline, for hold? the earliest that it could have.
	Deadline int64 `json:"d,omitempty"`
	// hold: when its checkout began. From then on only the checkout says how long it lives.
	Pinned int64 `json:"p,omitempty"`
}

// seat is what one seat can be at a moment.
type seat struct {
	is       byte // 'f'ree, 'h'eld, 's'old
	hold     string
	deadline int64
	pinned   int64
	exact    bool // the deadline is known: the hold must be over after it
}

var nobodys = seat{is: 'f'}

// never stands for the end of an operation whose outcome was not learnt.
const never = int64(1) << 60

// model says which answers a seat may give. slack is how far the owner's clock may be from the
// clients', in microseconds.
func model(slack int64) porcupine.Model {
	nondeterministic := porcupine.NondeterministicModel{
		Init: func() []interface{} { return []interface{}{nobodys} },
		Step: func(state, input, _ interface{}) []interface{} {
			o := input.(op)
			var next []interface{}
			for _, s := range atTheTimeOf(state.(seat), o, slack) {
				next = append(next, after(s, o, slack)...)
			}
			return next
		},
		Equal: func(a, b interface{}) bool { return a == b },
	}
	return nondeterministic.ToModel()
}

// atTheTimeOf answers what the seat may be when the operation takes effect: a hold may be over
// from its deadline on, and must be once the deadline has certainly passed.
func atTheTimeOf(s seat, o op, slack int64) []seat {
	if s.is != 'h' {
		return []seat{s}
	}
	if s.exact && s.pinned == 0 && o.Call-slack > s.deadline {
		return []seat{nobodys}
	}
	overdue := o.Return+slack >= s.deadline
	loose := s.pinned != 0 && o.Return >= s.pinned
	if overdue || loose {
		return []seat{s, nobodys}
	}
	return []seat{s}
}

// after answers what the seat may be afterwards; nothing when the answer cannot have been given.
func after(s seat, o op, slack int64) []interface{} {
	mine := s.hold == o.Hold
	switch o.Kind {
	case hold:
		return only(s.is == 'f', heldBy(o, true))
	case holdMaybe:
		return maybe(s, s.is == 'f', heldBy(o, false))
	case taken:
		return only(s.is != 'f', s)
	case free:
		return only(s.is == 'f', s)
	case release:
		return only(s.is == 'h' && mine, nobodys)
	case releaseMaybe:
		return maybe(s, s.is == 'h' && mine, nobodys)
	case sell:
		return only(sellable(s, o, slack), seat{is: 's', hold: o.Hold})
	case sellMaybe:
		return maybe(s, sellable(s, o, slack), seat{is: 's', hold: o.Hold})
	case cancel:
		return only(s.is == 's' && mine, nobodys)
	case cancelMaybe:
		return maybe(s, s.is == 's' && mine, nobodys)
	case readHeld:
		return only(s.is == 'h' && mine, s)
	case readSold:
		return only(s.is == 's' && mine, s)
	case ended:
		return only(!mine || s.is == 'f', s)
	}
	return nil
}

func heldBy(o op, exact bool) seat {
	return seat{is: 'h', hold: o.Hold, deadline: o.Deadline, pinned: o.Pinned, exact: exact}
}

// sellable: a hold is sold while it lives; a pinned one whose deadline has passed is taken again.
func sellable(s seat, o op, slack int64) bool {
	if s.is == 'h' {
		return s.hold == o.Hold
	}
	return s.is == 'f' && o.Return+slack >= o.Deadline
}

func only(possible bool, next seat) []interface{} {
	if !possible {
		return nil
	}
	return []interface{}{next}
}

func maybe(s seat, possible bool, next seat) []interface{} {
	if !possible {
		return []interface{}{s}
	}
	return []interface{}{s, next}
}

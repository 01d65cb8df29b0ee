// Checks the history of every seat for linearizability with Porcupine. Reads one JSON document a
// line from the standard input, {"seat": …, "ops": […]}, and writes one verdict to the standard
// output. Ends with 0 when it has come to a verdict, whatever that is.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

type history struct {
	Seat string `json:"seat"`
	Ops  []op   `json:"ops"`
}

// violation names what no order of the seat's operations explains.
type violation struct {
	Seat string `json:"seat"`
	// How many of its operations some order explains.
	Explained int  `json:"explained"`
	Of        int  `json:"of"`
	Stuck     []op `json:"stuck"`
}

type verdict struct {
	Seats      int         `json:"seats"`
	Operations int         `json:"operations"`
	Violations []violation `json:"violations"`
	// Seats for which the time was too short.
	Undecided []string `json:"undecided"`
}

func main() {
	slackMs := flag.Int64("slack-ms", 2000, "how far the owner's clock may be from the clients'")
	seconds := flag.Int("seconds", 60, "time for one seat")
	folder := flag.String("folder", "", "where the pictures of violations go")
	flag.Parse()
	histories, err := read()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	checker := checker{model(*slackMs * 1000), time.Duration(*seconds) * time.Second, *folder}
	if err := json.NewEncoder(os.Stdout).Encode(checker.all(histories)); err != nil {
		os.Exit(2)
	}
}

func read() ([]history, error) {
	var histories []history
	decoder := json.NewDecoder(bufio.NewReaderSize(os.Stdin, 1<<20))
	for decoder.More() {
		var h history
		if err := decoder.Decode(&h); err != nil {
			return nil, err
		}
		histories = append(histories, h)
	}
	return histories, nil
}

type checker struct {
	model  porcupine.Model
	time   time.Duration
	folder string
}

func (c checker) all(histories []history) verdict {
	v := verdict{Seats: len(histories), Violations: []violation{}, Undecided: []string{}}
	work := make(chan history)
	var lock sync.Mutex
	var group sync.WaitGroup
	for i := 0; i < runtime.NumCPU(); i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for h := range work {
				result, found := c.one(h)
				lock.Lock()
				v.Operations += len(h.Ops)
				switch result {
				case porcupine.Illegal:
					v.Violations = append(v.Violations, found)
				case porcupine.Unknown:
					v.Undecided = append(v.Undecided, h.Seat)
				}
				lock.Unlock()
			}
		}()
	}
	for _, h := range histories {
		work <- h
	}
	close(work)
	group.Wait()
	sort.Slice(v.Violations, func(a, b int) bool { return v.Violations[a].Seat < v.Violations[b].Seat })
	return v
}

func (c checker) one(h history) (porcupine.CheckResult, violation) {
	operations := make([]porcupine.Operation, len(h.Ops))
	for i, o := range h.Ops {
		if o.Return == 0 {
			o.Return = never
		}
		operations[i] = porcupine.Operation{ClientId: i, Input: o, Call: o.Call, Return: o.Return}
	}
	result := porcupine.CheckOperationsTimeout(c.model, operations, c.time)
	if result != porcupine.Illegal {
		return result, violation{}
	}
	_, info := porcupine.CheckOperationsVerbose(c.model, operations, c.time)
	if c.folder != "" {
		file := filepath.Join(c.folder, fmt.Sprintf("seat-%x.html", h.Seat))
		_ = porcupine.VisualizePath(c.model, info, file)
	}
	return result, explain(h, info)
}

// explain names the operations that end first of those which the longest order leaves out.
func explain(h history, info porcupine.LinearizationInfo) violation {
	var longest []porcupine.Operation
	for _, partition := range info.PartialLinearizationsOperations() {
		for _, order := range partition {
			if len(order) > len(longest) {
				longest = order
			}
		}
	}
	explained := make(map[int]bool, len(longest))
	for _, o := range longest {
		explained[o.ClientId] = true
	}
	var stuck []op
	for i, o := range h.Ops {
		if !explained[i] && o.Return != 0 {
			stuck = append(stuck, o)
		}
	}
	sort.Slice(stuck, func(a, b int) bool { return stuck[a].Return < stuck[b].Return })
	if len(stuck) > 3 {
		stuck = stuck[:3]
	}
	return violation{Seat: h.Seat, Explained: len(longest), Of: len(h.Ops), Stuck: stuck}
}

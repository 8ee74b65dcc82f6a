package report

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Progress is a Report beside another one: a line on a terminal that tells how far all is. What is written through it comes
// to stand above that line.
type Progress struct {
	next    Report
	bars    *mpb.Progress
	bar     *mpb.Bar
	refresh chan any
	stop    chan struct{}
	ticking sync.WaitGroup
	now     func() time.Time

	mu      sync.Mutex
	running map[*progressPart]struct{}
	done    int
	failed  int
	waiting int // bytes written, and not yet on the terminal
}

// refreshRate is how often the line is drawn again, and mostWaiting after how many bytes at the latest.
const (
	refreshRate = 150 * time.Millisecond
	mostWaiting = 64 << 10
)

// NewProgress returns a Progress for that many targets on w, a terminal. next writes through Write of what this returns:
// it has to be set with Over before the first Start.
func NewProgress(w io.Writer, targets int, now func() time.Time) *Progress {
	p := &Progress{refresh: make(chan any), stop: make(chan struct{}), now: now, running: map[*progressPart]struct{}{}}
	p.bars = mpb.New(mpb.WithOutput(w), mpb.WithManualRefresh(p.refresh))
	// Without a total it is we who end the bar, so that nothing written above it is left behind.
	p.bar = p.bars.New(0, mpb.BarStyle().Lbound("[").Rbound("]").Filler("=").Tip(">").Padding(" "),
		mpb.BarWidth(24), mpb.BarRemoveOnComplete(), mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return p.line(targets) })))
	p.bar.SetTotal(int64(targets), false)
	p.ticking.Go(func() {
		t := time.NewTicker(refreshRate)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				p.draw()
			case <-p.stop:
				return
			}
		}
	})
	return p
}

// Over sets the Report that is told everything too.
func (p *Progress) Over(next Report) { p.next = next }

// Write puts whole lines above the line of progress.
func (p *Progress) Write(b []byte) (int, error) {
	p.home()
	n, err := p.bars.Write(b)
	p.mu.Lock()
	p.waiting += n
	full := p.waiting >= mostWaiting
	p.mu.Unlock()
	if full {
		p.draw()
	}
	return n, err
}

// home brings the cursor to the left margin, from where the terminal's own echo (^C) may have taken it.
func (p *Progress) home() { _, _ = p.bars.Write([]byte{'\r'}) }

func (p *Progress) draw() {
	p.home()
	p.mu.Lock()
	p.waiting = 0
	p.mu.Unlock()
	select {
	case p.refresh <- nil:
	case <-p.stop:
	}
}

// line is what stands behind the bar.
func (p *Progress) line(targets int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := fmt.Sprintf("%d/%d done, %d running, %d failed", p.done, targets, len(p.running), p.failed)
	var slowest *progressPart
	for r := range p.running {
		if slowest == nil || r.at.Before(slowest.at) {
			slowest = r
		}
	}
	if slowest != nil {
		text += fmt.Sprintf(", slowest %s %v", slowest.target, p.now().Sub(slowest.at).Round(time.Second))
	}
	return text
}

// Start begins a target's part.
func (p *Progress) Start(target, host string, at time.Time) Part {
	part := &progressPart{Part: p.next.Start(target, host, at), of: p, target: target, at: at}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running[part] = struct{}{}
	return part
}

// Close takes the line away.
func (p *Progress) Close() error {
	err := p.next.Close()
	p.bar.Abort(true)
	for range 3 { // the line is drawn once more, then taken away; the last call waits until that has been done
		p.draw()
	}
	p.bars.Shutdown()
	close(p.stop)
	p.ticking.Wait()
	return err
}

type progressPart struct {
	Part
	of     *Progress
	target string
	at     time.Time
}

func (p *progressPart) End(r Result) error {
	err := p.Part.End(r)
	p.of.mu.Lock()
	delete(p.of.running, p)
	p.of.done++
	if !r.OK() {
		p.of.failed++
	}
	p.of.mu.Unlock()
	p.of.bar.Increment()
	return err
}

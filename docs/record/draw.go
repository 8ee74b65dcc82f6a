package main

import (
	"bytes"
	"fmt"
	"html"
	"strings"

	"github.com/hinshun/vt10x"
)

// frame is what stands on the screen for a while.
type frame struct {
	cells   [rows][columns]vt10x.Glyph
	x, y    int // of the cursor
	seconds float64
}

func (f *frame) runes(y int) []rune {
	line := make([]rune, columns)
	for x, c := range f.cells[y] {
		if line[x] = c.Char; c.Char == 0 {
			line[x] = ' '
		}
	}
	return line
}

// Sizes in pixels.
const (
	cellWidth  = 8.4
	cellHeight = 18
	margin     = 14
)

// faint is the attribute that the emulator does not know: notes are told by their words.
const faintNotes = "~? ~. ~d ~l ~t ~! ~~ attached reconnected"

// draw makes an animation: each frame is a group that is visible in its time.
func draw(frames []frame) []byte {
	frames = merge(frames)
	total := 0.0
	for _, f := range frames {
		total += f.seconds
	}
	var b bytes.Buffer
	width, height := columns*cellWidth+2*margin, float64(rows*cellHeight+2*margin)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" font-family="ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14">`+"\n", width, height, width, height)
	b.WriteString("<title>A session of winrmctl shell in cmd.exe</title>\n<style>g{visibility:hidden}text{white-space:pre;fill:#d4d4d4}.faint{fill:#8a8a8a}.cursor{fill:#d4d4d4;opacity:.6}\n")
	at := 0.0
	for i, f := range frames {
		from, to := 100*at/total, 100*(at+f.seconds)/total
		at += f.seconds
		last := ""
		if i == len(frames)-1 {
			to, last = 100, "#f"+fmt.Sprint(i)+"{visibility:visible}"
		}
		fmt.Fprintf(&b, "@keyframes k%d{0%%,%.3f%%{visibility:hidden}%.3f%%,%.3f%%{visibility:visible}%.3f%%,100%%{visibility:%s}}#f%d{animation:k%d %.1fs step-end infinite}%s\n",
			i, max(from-0.001, 0), from, to, min(to+0.001, 100), map[bool]string{true: "visible", false: "hidden"}[last != ""], i, i, total, last)
	}
	fmt.Fprintf(&b, "</style>\n<rect width=\"100%%\" height=\"100%%\" rx=\"8\" fill=\"#1e1e1e\"/>\n")
	for i, f := range frames {
		fmt.Fprintf(&b, "<g id=\"f%d\">\n", i)
		for y := range rows {
			text := strings.TrimRight(string(f.runes(y)), " ")
			if text == "" {
				continue
			}
			class := ""
			if len(text) > 2 && strings.Contains(faintNotes, text[:2]) && text[0] == '~' {
				class = ` class="faint"`
			}
			fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" textLength=\"%.1f\"%s>%s</text>\n", margin, margin+cellHeight*(y+1)-4, cellWidth*float64(len([]rune(text))), class, html.EscapeString(text))
		}
		fmt.Fprintf(&b, "<rect class=\"cursor\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>\n</g>\n", margin+cellWidth*float64(f.x), margin+cellHeight*f.y, cellWidth, cellHeight)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// merge makes one of frames that show the same.
func merge(frames []frame) []frame {
	var merged []frame
	for _, f := range frames {
		if n := len(merged); n > 0 && merged[n-1].cells == f.cells && merged[n-1].x == f.x && merged[n-1].y == f.y {
			merged[n-1].seconds += f.seconds
			continue
		}
		merged = append(merged, f)
	}
	return merged
}

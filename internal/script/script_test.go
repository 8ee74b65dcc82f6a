package script

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
)

// decode reads what -EncodedCommand is given.
func decode(t *testing.T, line string) string {
	t.Helper()
	_, encoded, ok := strings.Cut(line, " -EncodedCommand ")
	b, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(b)%2 != 0 {
		t.Fatalf("%q: %v", line, err)
	}
	var units []uint16
	for ; len(b) > 0; b = b[2:] {
		units = append(units, binary.LittleEndian.Uint16(b))
	}
	return string(utf16.Decode(units))
}

func TestPowerShell(t *testing.T) {
	for _, text := range []string{"Get-Service w32time", "'a'; \"b\"; ‘c’ ‚d‛", "param($x)\r\n日本 😀", "", strings.Repeat("x", 10000)} {
		line := PowerShell(text, false, true)
		if !strings.HasPrefix(line, "powershell.exe -NoProfile -NonInteractive -EncodedCommand ") {
			t.Fatal(line)
		}
		got := decode(t, line)
		body, ok1 := strings.CutPrefix(got, "$ProgressPreference = 'SilentlyContinue'\ntry { $winrmctl = [ScriptBlock]::Create('")
		body, ok2 := strings.CutSuffix(body, "') } catch { throw }\nif ($winrmctl.Ast.EndBlock.Unnamed) { $winrmctl = [ScriptBlock]::Create(\"$winrmctl`n`n`$global:winrmctl = `$?\") }\n"+
			"& $winrmctl\nif (!($? -and $winrmctl) -and !$LASTEXITCODE) { exit 1 }\nexit $LASTEXITCODE")
		// What PowerShell makes of a single-quoted string: two of a quote are one of it.
		undoubled := strings.NewReplacer("''", "'", "‘‘", "‘", "’’", "’", "‚‚", "‚", "‛‛", "‛").Replace(body)
		if !ok1 || !ok2 || undoubled != text {
			t.Errorf("%q: %q", text, got)
		}
	}
	for text, want := range map[string]bool{"$input | sort": true, "${Input}": true, "@($INPUT).Count": true, "$inputs": false, "input": false} {
		if got := strings.Contains(decode(t, PowerShell(text, false, true)), "\n$input | & $winrmctl\n"); got != want {
			t.Errorf("%s: stdin goes to it: %v", text, got)
		}
		if strings.Contains(decode(t, PowerShell(text, false, false)), "$input | &") {
			t.Errorf("%s: there is no stdin for it", text)
		}
	}
	if !strings.HasPrefix(PowerShell("x", true, false), "pwsh.exe -NoProfile ") {
		t.Error("--pwsh")
	}
}

// TestBootstrapIsShort: it has to fit into the 8,191 characters of a command line, and must not name $input.
func TestBootstrapIsShort(t *testing.T) {
	p, err := Of(strings.NewReader(""), Options{Name: "x.ps1"})
	if err != nil || len(p.Line) > 4000 || strings.Contains(strings.ToLower(bootstrap), "$input") {
		t.Errorf("%d characters, %v", len(p.Line), err)
	}
}

// unframe reads frames as the bootstrap does: one text for each.
func unframe(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	var text bytes.Buffer
	for {
		head, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("%v after %d bytes", err, text.Len())
		}
		n, err := strconv.Atoi(strings.TrimSuffix(head, "\n"))
		if err != nil || n < 0 {
			t.Fatalf("length %q", head)
		}
		if n == 0 {
			return text.String()
		}
		if _, err := io.CopyN(&text, r, int64(n)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPowerShellScript(t *testing.T) {
	utf16le := func(s string) string {
		b := []byte("\xff\xfe")
		for _, u := range utf16.Encode([]rune(s)) {
			b = binary.LittleEndian.AppendUint16(b, u)
		}
		return string(b)
	}
	for _, tc := range []struct{ script, want string }{
		{"", ""},
		{"param($Ver)\r\n\"$Ver\"\r\n", "param($Ver)\r\n\"$Ver\"\r\n"},
		{"\xef\xbb\xbf'é'", "'é'"},
		{utf16le("'é日😀'\r\n"), "'é日😀'\r\n"},
		{strings.Repeat("# a line of a long script\n", 100000), strings.Repeat("# a line of a long script\n", 100000)},
		{"0\n12\n0\n", "0\n12\n0\n"},
	} {
		for _, r := range []io.Reader{strings.NewReader(tc.script), iotest.OneByteReader(strings.NewReader(tc.script))} {
			if len(tc.script) > 1000 {
				r = strings.NewReader(tc.script)
			}
			p, err := Of(r, Options{Name: `C:\x\DEPLOY.PS1`, Args: []string{"-Ver", "2"}})
			if err != nil || !p.OwnsStdin || p.Prepare != "" || p.Cleanup != "" {
				t.Fatalf("%+v, %v", p, err)
			}
			in := bufio.NewReader(io.MultiReader(p.Input, strings.NewReader("the script's own stdin")))
			args, text := unframe(t, in), unframe(t, in)
			rest, _ := io.ReadAll(in)
			if args != "-Ver '2'" || text != tc.want || string(rest) != "the script's own stdin" {
				t.Errorf("%.40q: args %q, text %.40q, then %q", tc.script, args, text, rest)
			}
		}
	}
	p, err := Of(iotest.ErrReader(errors.New("disk on fire")), Options{Name: "x.ps1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(p.Input); err == nil || err.Error() != "disk on fire" {
		t.Error(err)
	}
}

func TestPowerShellArgs(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{nil, ""},
		{[]string{"-Ver", "2", "-Force", "a b", "it's", "$x", "line\nbreak", "é日", "", "-5", "--", "-a b", "‘x’"},
			"-Ver '2' -Force 'a b' 'it''s' '$x' 'line\nbreak' 'é日' '' '-5' '--' '-a b' '‘‘x’’'"},
		{[]string{"-Force:$false", "-Name:a b", "-X:$true;rm", "-Y:", "-Z:\n$null"}, "-Force:$false -Name:'a b' -X:'$true;rm' -Y: -Z:'\n$null'"},
	} {
		if got := powerShellArgs(tc.args); got != tc.want {
			t.Errorf("%q:\n%s\n%s", tc.args, got, tc.want)
		}
	}
}

func TestBatch(t *testing.T) {
	p, err := Of(strings.NewReader("\xef\xbb\xbf@echo off\r\nexit /b 3"), Options{Name: "x.CMD", Unique: "A1", Args: []string{"a b", "c", `q"q`, "&", ""}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Arrived(0) {
		t.Error("arrived before it was sent")
	}
	stage, _ := io.ReadAll(iotest.OneByteReader(p.Stage))
	if p.Prepare != `cd /d "%TEMP%"&&(findstr "^" >winrmctl-A1.cmd&for %I in (winrmctl-A1.cmd) do @exit %~zI)` ||
		string(stage) != "@echo off\r\nexit /b 3\r\n" || !p.Arrived(uint32(len(stage))) || p.Arrived(0) || p.Arrived(1) ||
		p.Line != `"%TEMP%\winrmctl-A1.cmd" "a b" c "q""q" "&" ""` || !p.OwnsStdin || p.Input != nil || p.Cleanup != `del /q "%TEMP%\winrmctl-A1.cmd"&if exist "%TEMP%\winrmctl-A1.cmd" exit 1` {
		t.Errorf("%+v %q", p, stage)
	}
	for _, args := range [][]string{{"a\nb"}, {"a", "\r"}} {
		if _, err := Of(nil, Options{Name: "x.bat", Args: args}); !errors.Is(err, ErrArgument) {
			t.Errorf("%q: %v", args, err)
		}
		if _, err := Of(nil, Options{Name: "x", Interpreter: "y", Args: args}); !errors.Is(err, ErrArgument) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// TestStaged: a text gets the line end that it lacks, and the size of its file tells whether it arrived.
func TestStaged(t *testing.T) {
	full := strings.Repeat("x", maxLine)
	for _, tc := range []struct {
		text, want string
		bare       int // line feeds that Windows may have made two bytes of
	}{
		{"", "", 0}, {"x\n", "x\n", 1}, {"x", "x\r\n", 0}, {"x\r\n\r\n", "x\r\n\r\n", 0}, {"\n\na", "\n\na\r\n", 2},
		{"x\r", "x\r\r\n", 0}, {full + "\n" + full, full + "\n" + full + "\r\n", 1},
	} {
		for _, r := range []io.Reader{strings.NewReader(tc.text), iotest.OneByteReader(strings.NewReader(tc.text)), iotest.DataErrReader(strings.NewReader(tc.text))} {
			s := &staged{text: r}
			got, err := io.ReadAll(s)
			n := uint32(len(tc.want))
			if err != nil || string(got) != tc.want || !s.arrived(n) || !s.arrived(n+uint32(tc.bare)) || s.arrived(n+uint32(tc.bare)+1) || n > 0 && s.arrived(n-1) {
				t.Errorf("%.20q: %.20q, %v", tc.text, got, err)
			}
		}
	}
	s := &staged{text: strings.NewReader("a\n" + full + "x\n")}
	if _, err := io.ReadAll(s); !errors.Is(err, ErrLine) || !strings.HasPrefix(err.Error(), "line 2 is too long: ") || s.arrived(s.sent.Load()) {
		t.Error(err)
	}
	s = &staged{text: iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("abc")))}
	if _, err := io.ReadAll(s); !errors.Is(err, iotest.ErrTimeout) || s.arrived(s.sent.Load()) {
		t.Error(err)
	}
}

func TestInterpreters(t *testing.T) {
	p, err := Of(strings.NewReader("print(1)"), Options{Name: "x.py", Interpreter: "python -", Args: []string{"a b"}})
	if err != nil || p.Line != `python - "a b"` || p.OwnsStdin {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := Of(nil, Options{Name: "x.py"}); !errors.Is(err, ErrExtension) {
		t.Error(err)
	}
	if p, err := Of(strings.NewReader(""), Options{Name: "-"}); err != nil || p.OwnsStdin || !strings.HasPrefix(p.Line, "powershell.exe ") {
		t.Errorf("from stdin: %+v, %v", p, err)
	}
}

// TestDocumentation: docs/powershell.md reviews what is sent, not what once was.
func TestDocumentation(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "powershell.md"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := Of(strings.NewReader(""), Options{Name: "x.ps1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{decode(t, PowerShell("TEXT", false, false)), decode(t, p.Line)} {
		if !strings.Contains(string(b), "```powershell\n"+text+"\n```\n") {
			t.Errorf("docs/powershell.md does not have\n%s", text)
		}
	}
}

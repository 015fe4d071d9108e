// Package proxies records which proxies Go's net/http takes. A unit test of the host compares its own with cases.txt.
package proxies

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http/httpproxy"
)

var update = flag.Bool("update", false, "write cases.txt")

var ports = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}

// TestCasesAreThoseOfGo reads lines `hosts<tab>all hosts<tab>those that are always reached directly`, `bypass<tab>NO_PROXY<tab>the
// hosts besides these that are reached directly`, and `proxy<tab>HTTPS_PROXY<tab>the proxy of https://a.example`.
func TestCasesAreThoseOfGo(t *testing.T) {
	text, err := os.ReadFile("cases.txt")
	if err != nil {
		t.Fatal(err)
	}
	var hosts, lines []string
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3)
		kind, value := fields[0], fields[1]
		switch kind {
		case "hosts":
			hosts = strings.Fields(value)
			always := direct("", hosts)
			lines = append(lines, fmt.Sprintf("hosts\t%s\t%s\n", value, strings.Join(always, " ")))
			hosts = slices.DeleteFunc(hosts, func(host string) bool { return slices.Contains(always, host) })
		case "bypass":
			lines = append(lines, fmt.Sprintf("bypass\t%s\t%s\n", value, strings.Join(direct(value, hosts), " ")))
		case "proxy":
			lines = append(lines, fmt.Sprintf("proxy\t%s\t%s\n", value, proxy(value)))
		}
	}
	got := strings.Join(lines, "")
	if *update {
		if err := os.WriteFile("cases.txt", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(text) != got {
		t.Errorf("cases.txt is not what Go does; look at what has changed, and run the test with -update:\n%s", got)
	}
}

func direct(noProxy string, hosts []string) []string {
	config := httpproxy.Config{HTTPProxy: "proxy:1", NoProxy: noProxy}
	choose := config.ProxyFunc()
	var found []string
	for _, host := range hosts {
		if chosen, err := choose(&url.URL{Scheme: "http", Host: host}); err == nil && chosen == nil {
			found = append(found, host)
		}
	}
	return found
}

// proxy returns scheme, host, port, user and password. A value that Go cannot read counts as none.
func proxy(value string) string {
	config := httpproxy.Config{HTTPSProxy: value}
	chosen, err := config.ProxyFunc()(&url.URL{Scheme: "https", Host: "a.example"})
	if err != nil {
		return "error"
	}
	if chosen == nil {
		return "none"
	}
	port := chosen.Port()
	if port == "" {
		port = ports[chosen.Scheme]
	}
	password, _ := chosen.User.Password()
	return fmt.Sprintf("%s %s %s %q %q", chosen.Scheme, chosen.Hostname(), port, chosen.User.Username(), password)
}

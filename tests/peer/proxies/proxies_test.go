// Package proxies records which proxies Go's net/http takes. A unit test of the host compares its own with cases.txt.
package proxies

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http/httpproxy"

	"gpx-wasm/tests/peer/golden"
)

var ports = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}

// TestCasesAreThoseOfGo reads lines `hosts<tab>all hosts<tab>those that are always reached directly`, `bypass<tab>NO_PROXY<tab>the
// hosts besides these that are reached directly`, and `proxy<tab>HTTPS_PROXY<tab>the proxy of https://a.example`.
func TestCasesAreThoseOfGo(t *testing.T) {
	var hosts []string
	golden.Cases(t, 3, func(fields []string) string {
		kind, value := fields[0], fields[1]
		switch kind {
		case "hosts":
			hosts = strings.Fields(value)
			always := direct("", hosts)
			hosts = slices.DeleteFunc(hosts, func(host string) bool { return slices.Contains(always, host) })
			return fmt.Sprintf("hosts\t%s\t%s\n", value, strings.Join(always, " "))
		case "bypass":
			return fmt.Sprintf("bypass\t%s\t%s\n", value, strings.Join(direct(value, hosts), " "))
		case "proxy":
			return fmt.Sprintf("proxy\t%s\t%s\n", value, proxy(value))
		}
		t.Errorf("there is no case %q", kind)
		return ""
	})
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

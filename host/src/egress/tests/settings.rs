//! Whatever the settings contain, nothing panics.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::*;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const KEYS: [&str; 16] = [
    "timeout",
    "dialTimeout",
    "basicAuth",
    "basicAuthUser",
    "tlsAuth",
    "tlsAuthWithCACert",
    "tlsSkipVerify",
    "serverName",
    "httpHeaderName1",
    "httpHeaderName2",
    "httpHeaderName3",
    "url",
    "access",
    "keepAlive",
    "httpMaxConnsPerHost",
    "",
];

const SECRETS: [&str; 9] = [
    "basicAuthPassword",
    "password",
    "tlsCACert",
    "tlsClientCert",
    "tlsClientKey",
    "httpHeaderValue1",
    "httpHeaderValue2",
    "httpHeaderValue3",
    "apiToken",
];

/// Numbers that look random and are the same in each run (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }

    fn number(&mut self) -> Value {
        let text =
            ["0", "-0.0", "1", "0.5", "-1", "1e19", "-1e19", "1e308", "5e-324", "18446744073709551615"];
        let more =
            ["-9223372036854775808", "9223372036.854775", "9223372037", "1e20", "3", "99999999999999999999"];
        let texts: Vec<_> = text.into_iter().chain(more).collect();
        serde_json::from_str(texts[self.below(texts.len())]).unwrap()
    }

    fn text(&mut self) -> String {
        let texts = [
            "",
            "x",
            "X-Key",
            "Host",
            "Content-Length",
            "transfer_encoding",
            "a\r\nb: c",
            "\0",
            "ü",
            "[::1]",
        ];
        let pem = [
            "-----BEGIN CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
        ];
        let texts: Vec<_> = texts.into_iter().chain(pem).collect();
        match self.below(6) {
            0 => "x".repeat(self.below(100_000)),
            1 => (0..self.below(20))
                .filter_map(|_| char::from_u32(self.below(0x11_0000).try_into().ok()?))
                .collect(),
            _ => texts[self.below(texts.len())].to_owned(),
        }
    }

    fn value(&mut self) -> Value {
        match self.below(8) {
            0 => Value::Null,
            1 => json!([self.number()]),
            2 => json!({ "a": self.number() }),
            3 => json!(self.below(2) == 0),
            4 | 5 => json!(self.text()),
            _ => self.number(),
        }
    }

    fn json(&mut self) -> Vec<u8> {
        let mut object = Map::new();
        for _ in 0..self.below(12) {
            object.insert(KEYS[self.below(KEYS.len())].to_owned(), self.value());
        }
        if self.below(10) == 0 {
            object.extend((1..25_000).map(|number| (format!("httpHeaderName{number}"), json!("x"))));
        }
        let mut bytes = Value::Object(object).to_string().into_bytes();
        if self.below(8) == 0 {
            let place = self.below(bytes.len());
            bytes[place] = self.below(256).try_into().unwrap();
        }
        bytes
    }
}

#[tokio::test]
async fn arbitrary_settings_do_not_panic() {
    let server = Server::always(OK).await;
    // A peer that ends each handshake, since settings may say that nothing else does.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closing = format!("https://{}", listener.local_addr().unwrap());
    let ending = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let fixture = Fixture::new("");
    let mut random = Dice(0x9E37_79B9_7F4A_7C15);
    for _ in 0..400 {
        let json = random.json();
        let secret = |random: &mut Dice| (SECRETS[random.below(SECRETS.len())].to_owned(), random.text());
        let secrets: HashMap<_, _> = (0..random.below(8)).map(|_| secret(&mut random)).collect();
        let urls = [server.url(), closing.clone(), random.text(), format!("http://{}", random.text())];
        let url = &urls[random.below(urls.len())];
        let http = DataSourceHttp::parse(DataSourceFields {
            url,
            user: &random.text(),
            basic_auth_enabled: random.below(2) == 0,
            basic_auth_user: &random.text(),
            json_data: &json,
            secrets: &secrets,
            grafana_config: &HashMap::new(),
            name: &random.text(),
            uid: &random.text(),
            plugin_type: "my-plugin",
            secure_socks: &BTreeMap::new(),
            wanted: &crate::egress::WantedHeaders::default(),
        });
        let client = fixture.egress.client(
            http,
            Scrub::new(secrets.clone().into_values()),
            &MemoryAccount::new(1 << 30).owner(),
        );
        let options = RequestOptions {
            connect_timeout: (random.below(2) == 0).then_some(Duration::MAX),
            ..RequestOptions::default()
        };
        for url in &urls[..2] {
            if let Ok(response) = send_with(&client, get(url), options).await {
                let _ = text(response).await;
            }
        }
    }
    ending.abort();
}

#[tokio::test]
async fn too_many_headers_are_named_and_only_for_the_own_origin() {
    let (own, other) = (Server::always(OK).await, Server::always(OK).await);
    let fixture = Fixture::new(&other.address.to_string());
    let names = (1..25_000).map(|number| (format!("httpHeaderName{number}"), json!(format!("x-{number}"))));
    let names = Value::Object(names.collect()).to_string();
    let values: Vec<_> = (1..25_000).map(|number| format!("httpHeaderValue{number}")).collect();
    let values: Vec<_> = values.iter().map(|name| (name.as_str(), "v")).collect();
    let client = fixture.client_with(&own.url(), &names, &values);
    let error = send(&client, get(own.url())).await.unwrap_err().to_string();
    assert!(error.starts_with("the data source has more than 256 headers"), "{error}");
    assert_eq!(text(send(&client, get(other.url())).await.unwrap()).await.unwrap(), "ok");
}

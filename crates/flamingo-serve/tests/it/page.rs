//! The page in a real browser: headless Chromium, driven by its driver's protocol. Says so where there is none.
#![allow(clippy::print_stderr)]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use flamingo_shots::ShotSet;
use tokio::sync::oneshot;

use super::*;

/// How long anything on the page may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A browser with one page, closed with this.
struct Browser {
    driver: Child,
    session: String,
}

impl Browser {
    /// None if there is no browser, or no driver.
    fn open(width: usize, height: usize, dark: bool) -> Option<Self> {
        let found = |name: &str| {
            let paths = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&paths)
                .map(|folder| folder.join(name))
                .find(|path| path.is_file())
        };
        let driver = found("chromedriver")?;
        let browser = found("chromium").or_else(|| found("google-chrome"))?;
        let mut driver = Command::new(driver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut lines = BufReader::new(driver.stdout.take()?).lines();
        let port = loop {
            let line = lines.next()?.ok()?;
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        // It goes on writing.
        std::thread::spawn(move || lines.for_each(drop));
        let mut args = vec![
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            format!("--window-size={width},{height}"),
        ];
        if dark {
            args.push("--blink-settings=preferredColorScheme=0".to_owned());
        }
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"binary": browser, "args": args},
        }}});
        let mut browser = Self {
            driver,
            session: format!("http://127.0.0.1:{port}/session"),
        };
        let told = browser.post("", &wanted);
        let id = told["sessionId"]
            .as_str()
            .unwrap_or_else(|| panic!("{told}"));
        browser.session = format!("{}/{id}", browser.session);
        Some(browser)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.session);
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let request = agent.post(&url).header("content-type", "application/json");
        let mut answer = request.send(body.to_string()).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["value"].take()
    }

    /// What a script on the page returns.
    fn run(&self, script: &str, args: Value) -> Value {
        let told = self.post("/execute/sync", &json!({"script": script, "args": args}));
        assert!(told["error"].is_null(), "{told}");
        told
    }

    /// Waits until a script returns something true, and gives that.
    fn until(&self, script: &str) -> Value {
        let started = Instant::now();
        loop {
            let told = self.run(script, json!([]));
            let is_nothing = [json!(null), json!(false), json!(""), json!(0)].contains(&told);
            if !is_nothing {
                return told;
            }
            let error = self.run(
                "return document.getElementById('error').textContent",
                json!([]),
            );
            assert!(started.elapsed() < PATIENCE, "{script}: {error}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Drops a picture onto an element.
    fn drop_picture(&self, selector: &str, name: &str, png: &[u8]) {
        let script = "
            const [selector, name, data] = arguments;
            const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, {type: 'image/png'}));
            const target = document.querySelector(selector);
            for (const kind of ['dragover', 'drop']) {
                target.dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
            }";
        self.run(script, json!([selector, name, STANDARD.encode(png)]));
    }

    fn click(&self, selector: &str) {
        self.run(
            "document.querySelector(arguments[0]).click()",
            json!([selector]),
        );
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends with its session, and the session with its driver at the latest.
        let _ = ureq::delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// A server at a port, on threads of its own, until it is dropped.
fn serve(setup: Setup) -> (String, oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let (server, worker) = Server::new(engine(), setup);
    let (stop, stopped) = oneshot::channel::<()>();
    std::thread::spawn(move || worker.run());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let stopped = async {
                let _ = stopped.await;
            };
            server.serve(listener, stopped).await.unwrap();
        });
    });
    (address, stop)
}

#[test]
fn a_picture_is_dragged_asked_about_and_its_answer_read_as_it_comes() {
    let Some(browser) = Browser::open(1200, 1000, false) else {
        eprintln!("skipped: there is no chromium with chromedriver to open the page with");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for (seed, class) in ["ant", "bee"].iter().enumerate() {
        let path = folder.path().join(class);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("1.png"), picture(seed as u8 * 20).to_png()).unwrap();
    }
    let set = ShotSet::read("animals", folder.path(), "Output:").unwrap();
    let (address, _stop) = serve(Setup {
        shots: vec![("animals".into(), set)],
        ..Setup::default()
    });
    browser.post("/url", &json!({"url": address}));
    browser.until("return document.getElementById('model').textContent.startsWith('flamingo')");

    // An example and the question, each with a picture.
    browser.click("#add-shot");
    browser.drop_picture(".block:first-child", "a.png", &picture(3).to_png());
    browser.until("return document.querySelectorAll('.block:first-child .medium').length === 1");
    browser.run(
        "const t = document.querySelector('.block:first-child textarea');
         t.value = 'Output: dax'; t.dispatchEvent(new Event('input'));",
        json!([]),
    );
    browser.drop_picture(".block:last-child", "b.png", &picture(5).to_png());
    browser.until("return document.querySelectorAll('.block:last-child .medium').length === 1");
    browser.run("document.getElementById('max_tokens').value = 5", json!([]));
    browser.click("#ask");
    let parts = [
        image(3),
        text("Output: dax"),
        Part::End,
        image(5),
        text("Output:"),
    ];
    let decoding = Decoding {
        max_new_tokens: 5,
        ..Decoding::default()
    };
    let expected = answered(&parts, &decoding).remove(0);
    browser.until("return !document.getElementById('look').hidden");
    let answer = browser.run(
        "return document.getElementById('answer').textContent",
        json!([]),
    );
    assert_eq!(answer, expected.text.trim_start());
    let tokens = browser.run(
        "return document.querySelectorAll('#tokens button').length",
        json!([]),
    );
    assert_eq!(tokens, expected.tokens.len());
    let drawn = browser.until(
        "const c = document.getElementById('map');
         return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v > 0)",
    );
    assert_eq!(drawn, true);
    assert_eq!(
        browser.run(
            "return document.getElementById('timings').hidden",
            json!([])
        ),
        false
    );

    // Candidates as bars, behind the nearest of the server's shots.
    browser.run(
        "document.getElementById('set').value = 'animals';
         document.getElementById('count').value = 1;
         document.getElementById('candidates').value = 'ant\\nbee\\ncat';",
        json!([]),
    );
    browser.click("#score");
    let bars = browser.until("return document.querySelectorAll('#bars .bar').length");
    assert_eq!(bars, 3);
    assert_eq!(
        browser.run(
            "return document.querySelectorAll('#picked li').length",
            json!([])
        ),
        1
    );

    // What is wrong is told on the page.
    browser.run("document.getElementById('set').value = ''", json!([]));
    browser.run(
        "document.getElementById('max_tokens').value = 5000",
        json!([]),
    );
    browser.click("#ask");
    let told = browser.until("return document.getElementById('error').textContent");
    assert!(told.as_str().unwrap().contains("from 1 to 1024"), "{told}");
    let code = browser.run(
        "return document.getElementById('code').textContent",
        json!([]),
    );
    assert!(code.as_str().unwrap().contains("/ask"), "{code}");
}

#[test]
fn the_page_fits_a_phone_and_is_dark_where_that_is_liked() {
    let Some(browser) = Browser::open(500, 900, true) else {
        eprintln!("skipped: there is no chromium with chromedriver to open the page with");
        return;
    };
    let (address, _stop) = serve(Setup::default());
    browser.post("/url", &json!({"url": address}));
    browser.until("return document.getElementById('model').textContent.startsWith('flamingo')");
    let wide = browser.run(
        "return document.documentElement.scrollWidth <= document.documentElement.clientWidth",
        json!([]),
    );
    assert_eq!(wide, true);
    let reachable = browser.run(
        "return [...document.querySelectorAll('button, input, select, textarea, summary')]
             .filter((e) => e.offsetParent !== null).every((e) => e.tabIndex >= 0)",
        json!([]),
    );
    assert_eq!(reachable, true);
    // However the style sheet lays it out.
    let seen = browser.run(
        "return [...document.querySelectorAll('[hidden]')].filter((e) => getComputedStyle(e).display !== 'none').length",
        json!([]),
    );
    assert_eq!(seen, 0);
    let unnamed = browser.run(
        "return [...document.querySelectorAll('input, select, textarea')].filter((e) =>
             e.offsetParent !== null && !e.labels.length && !e.getAttribute('aria-label')).map((e) => e.outerHTML)",
        json!([]),
    );
    assert_eq!(unnamed, json!([]));
}

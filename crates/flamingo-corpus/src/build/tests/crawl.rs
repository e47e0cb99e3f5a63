//! Small WARC files.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::Path;

use flamingo_image::Image;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

/// A picture of its own pattern.
pub(super) fn picture(seed: u8) -> Vec<u8> {
    let (width, height) = (67, 71);
    let pixel = |at: usize| (at * usize::from(seed) * 7 / 5 % 251) as u8;
    let rgb = (0..3 * width * height).map(pixel).collect();
    let image = Image::new(width as u32, height as u32, rgb);
    image.expect("its pixels fill its sides").to_png()
}

/// A WARC file in the making, a member of gzip a record.
#[derive(Default)]
pub(super) struct Crawl(Vec<u8>);

impl Crawl {
    pub(super) fn page(&mut self, url: &str, texts: &[&str], images: &[&str]) {
        self.page_with(url, "", texts, images);
    }

    /// A page of these paragraphs, with the images behind the first.
    pub(super) fn page_with(&mut self, url: &str, headers: &str, texts: &[&str], images: &[&str]) {
        let mut html = String::from("<!doctype html><title>Animals</title><body><article>");
        for (at, text) in texts.iter().enumerate() {
            let _ = write!(html, "<p>{text}</p>");
            if at == 0 {
                for image in images {
                    let _ = write!(html, "<p><img src=\"{image}\" alt=\"an animal\"></p>");
                }
            }
        }
        html += "</article></body>";
        self.response(
            url,
            "200 OK",
            &format!("{headers}Content-Type: text/html; charset=utf-8\r\n"),
            html.as_bytes(),
        );
    }

    pub(super) fn image(&mut self, url: &str, seed: u8) {
        self.answer(url, "200 OK", "image/png", &picture(seed));
    }

    pub(super) fn missing(&mut self, url: &str) {
        self.answer(url, "404 Not Found", "text/html", b"<p>gone</p>");
    }

    pub(super) fn redirect(&mut self, from: &str, to: &str) {
        self.response(from, "302 Found", &format!("Location: {to}\r\n"), b"");
    }

    pub(super) fn answer(&mut self, url: &str, status: &str, content_type: &str, body: &[u8]) {
        self.response(
            url,
            status,
            &format!("Content-Type: {content_type}\r\n"),
            body,
        );
    }

    fn response(&mut self, url: &str, status: &str, headers: &str, body: &[u8]) {
        let head = format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        );
        let length = head.len() + body.len();
        let mut record = format!(
            "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n\
             Content-Type: application/http; msgtype=response\r\nContent-Length: {length}\r\n\r\n{head}"
        )
        .into_bytes();
        record.extend_from_slice(body);
        record.extend_from_slice(b"\r\n\r\n");
        self.raw(&record);
    }

    pub(super) fn raw(&mut self, record: &[u8]) {
        let mut member = GzEncoder::new(&mut self.0, Compression::fast());
        member.write_all(record).unwrap();
        member.finish().unwrap();
    }

    /// Writes the records as one stream of gzip, in which none can be found without those before it.
    pub(super) fn write_as_stream(&self, path: &Path) {
        let mut records = Vec::new();
        MultiGzDecoder::new(&self.0[..])
            .read_to_end(&mut records)
            .unwrap();
        let mut stream = GzEncoder::new(Vec::new(), Compression::fast());
        stream.write_all(&records).unwrap();
        std::fs::write(path, stream.finish().unwrap()).unwrap();
    }

    pub(super) fn write(self, path: &Path) {
        std::fs::write(path, self.0).unwrap();
    }
}

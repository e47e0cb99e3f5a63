//! Saved pages of the web as documents: their main content, pictures by their paths.

use std::path::{Component, Path, PathBuf};

use flamingo_page::document::document;
use flamingo_page::{Context, Part, extract};
use flamingo_sequence::Document;
use url::Url;

/// The main content of the page saved at `path`, as [`flamingo_page::extract`] finds it. Pictures and films that lie in files
/// are named by their paths from the page's folder, others by their URLs. `None` if nothing is left.
pub fn page_document(html: &[u8], path: &Path) -> Option<Document> {
    let path = std::path::absolute(path).ok()?;
    let address = Url::from_file_path(&path).ok()?;
    let context = Context {
        url: address.as_str(),
        ..Context::default()
    };
    let page = extract(html, &context).page;
    let folder = path.parent().unwrap_or(&path);
    document(&page, |_, part| match part {
        Part::Image(image) => Some(place(&image.url, folder)),
        Part::Video(video) => Some(place(&video.url, folder)),
        Part::Text(_) => None,
    })
}

fn place(url: &str, folder: &Path) -> String {
    let file = Url::parse(url).ok().filter(|url| url.scheme() == "file");
    match file.and_then(|url| url.to_file_path().ok()) {
        Some(file) => relative(&file, folder).display().to_string(),
        None => url.to_owned(),
    }
}

/// The way from a folder to a file, both absolute.
fn relative(file: &Path, folder: &Path) -> PathBuf {
    let shared = file
        .components()
        .zip(folder.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = folder
        .components()
        .skip(shared)
        .map(|_| Component::ParentDir);
    up.chain(file.components().skip(shared)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parts(html: &str) -> String {
        let document = page_document(html.as_bytes(), Path::new("/web/pages/1.html")).unwrap();
        serde_json::to_string(&document.parts).unwrap()
    }

    #[test]
    fn pictures_are_named_by_their_paths_from_the_page() {
        let page = r#"<html><head><title>A zoo</title></head><body><header><nav><a href="/">Home</a></nav></header>
            <main><article><h2>A  <b>big</b> zoo</h2><p>a &lt; b</p>
              <figure><figcaption>Output: daxo</figcaption><img src="../pool/a%20b.png" alt="x"></figure>
              <div class="shot"><img src=" b.png "><p>Output: mife</p></div>
              <img src="https://a.example/c.png"><p>the end</p>
            </article></main><footer>All rights</footer></body></html>"#;
        let expected = r#"[{"text":"A big zoo\na < b"},{"image":"../pool/a b.png"},{"text":"Output: daxo"},{"image":"b.png"},{"text":"Output: mife"},{"image":"https://a.example/c.png"},{"text":"the end"}]"#;
        assert_eq!(parts(page), expected);
    }

    #[test]
    fn an_empty_page_is_no_document() {
        assert_eq!(
            page_document(b"<nav>x</nav> <p> </p>", Path::new("a.html")),
            None
        );
        assert_eq!(page_document(b"", Path::new("a.html")), None);
    }
}

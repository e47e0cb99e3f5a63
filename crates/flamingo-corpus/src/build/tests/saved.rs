//! Saved pages and archives: pictures that stand in their page, and whole folders as tools leave them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

const CONFIG: &str = "version = 1\n[input]\npaths = [\"own\"]\n[filters]\npreset = \"none\"\n";

/// Builds a folder of these files, with JSON lines as its output.
fn built(world: &World, name: &str, files: &[(&str, Vec<u8>)]) -> (Folder, Vec<serde_json::Value>) {
    let inputs = tempfile::tempdir_in(world.inputs.path()).unwrap();
    let own = inputs.path().join("own");
    std::fs::create_dir_all(&own).unwrap();
    for (name, bytes) in files {
        std::fs::write(own.join(name), bytes).unwrap();
    }
    let config = format!("{CONFIG}[images]\ndrop_repeated = false\n[output]\nformat = \"jsonl\"\n");
    let config = Config::parse(&config, inputs.path()).unwrap();
    let folder = world.folder(name, 0);
    run(&config, &folder, &Options::default()).unwrap();
    let documents = documents(&folder);
    (folder, documents)
}

fn documents(folder: &Folder) -> Vec<serde_json::Value> {
    let all = files(folder);
    let shards = all.iter().filter(|(name, _)| name.starts_with("shards/"));
    let lines = shards.flat_map(|(_, bytes)| bytes.split(|&byte| byte == b'\n'));
    let lines = lines.filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// How many images of the pages were found, and how many were missing.
fn found(folder: &Folder) -> (u64, u64) {
    let manifest: Manifest = folder.read_json(crate::folder::MANIFEST).unwrap();
    let mut steps = manifest.steps.iter();
    let step = steps.find(|count| count.step == Step::ImagesFound).unwrap();
    (step.kept, step.dropped.get("missing").copied().unwrap_or(0))
}

fn data_url(bytes: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(bytes))
}

fn page(head: &str, images: &str) -> Vec<u8> {
    format!(
        "<!doctype html><title>Animals</title>{head}<body><article><p>Cats sleep a lot and dream of birds.</p>{images}\
         <p>They wake up late and want to be fed at once.</p></article>"
    )
    .into_bytes()
}

#[test]
fn pictures_that_stand_in_their_page_are_pictures_of_the_document() {
    let world = World::new();
    let (one, two) = (crawl::picture(1), crawl::picture(2));
    let escaped: String = two.iter().map(|byte| format!("%{byte:02x}")).collect();
    let images = format!(
        "<img src=\"{}\"><picture><source srcset=\"data:image/png,{escaped} 2x\"><img src='data:,'></picture>",
        data_url(&one)
    );
    let (folder, documents) = built(&world, "inline", &[("a.html", page("", &images))]);
    assert_eq!(found(&folder), (2, 0));
    let parts = documents[0]["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 4);
    assert_eq!(parts[1]["image"], data_url(&one));
    assert_eq!(parts[2]["image"], data_url(&two));
    // The table of pages has keys, not bytes.
    let row = Rows::<crate::tables::PageRow>::open(&folder, "read/00000/pages.parquet");
    let row = row.unwrap().next().unwrap().unwrap();
    assert!(row.page.len() < 1000, "{}", row.page);
}

#[test]
fn picture_in_a_variable_is_shown_wherever_the_page_names_it() {
    let world = World::new();
    let one = crawl::picture(1);
    let head = format!(
        "<style>:root{{--sf-img-3: url(\"{}\")}}</style>",
        data_url(&one)
    );
    let image = "<img src='data:image/svg+xml,<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"67\" height=\"71\">\
                 <rect fill-opacity=\"0\"/></svg>' style=\"background-image:var(--sf-img-3)!important\">";
    let lost = image.replace("-3)", "-4)");
    let (folder, documents) = built(
        &world,
        "variables",
        &[(
            "a.html",
            page(
                &head,
                &format!("{image}<p>Then they sleep again.</p>{image}{lost}"),
            ),
        )],
    );
    assert_eq!(found(&folder), (2, 0));
    let parts = documents[0]["parts"].as_array().unwrap();
    let images: Vec<_> = parts.iter().filter_map(|part| part.get("image")).collect();
    assert_eq!(images, [&data_url(&one), &data_url(&one)]);
}

#[test]
fn picture_in_many_pages_is_kept_once() {
    let world = World::new();
    let image = format!("<img src=\"{}\">", data_url(&crawl::picture(1)));
    let other = String::from_utf8(page("", &image))
        .unwrap()
        .replace("Cats", "Dogs and owls");
    let (folder, documents) = built(
        &world,
        "once",
        &[("a.html", page("", &image)), ("b.html", other.into_bytes())],
    );
    assert_eq!(documents.len(), 2);
    let blob = std::fs::metadata(folder.path("read/00000/images.blob")).unwrap();
    assert_eq!(blob.len(), crawl::picture(1).len() as u64);
}

#[test]
fn files_of_a_folder_that_are_not_read_are_in_the_report() {
    let world = World::new();
    let image = format!("<img src=\"{}\">", data_url(&crawl::picture(1)));
    let (folder, documents) = built(
        &world,
        "passed_over",
        &[
            ("a.html", page("", &image)),
            ("b.zim", Vec::new()),
            ("c.txt", b"notes".to_vec()),
        ],
    );
    assert_eq!(documents.len(), 1);
    let report: report::ReadReport = folder.read_json("read/00001/report.json").unwrap();
    assert_eq!(
        (report.records["zim_file"], report.records["unknown_file"]),
        (1, 1)
    );
}

/// Pages, images found and images missing of inputs saved by real tools.
const CASES: [(&str, u64, u64, u64); 12] = [
    ("data-url-picture/page.html", 1, 1, 0),
    ("singlefile-address", 2, 3, 0),
    ("singlefile-repeated-image/twice.html", 1, 2, 0),
    ("monolith", 3, 6, 1),
    ("saved-page-ampersand/Page.html", 1, 3, 0),
    ("wget-k-names/saved", 3, 6, 0),
    ("mhtml-chromium/pear.mhtml", 1, 2, 1),
    ("mhtml-chromium/picture.mhtml", 1, 1, 1),
    ("har/garden.har", 3, 4, 1),
    ("wacz-py/no-pages.wacz", 4, 4, 0),
    ("wacz-py/pages.wacz", 10, 13, 1),
    ("folder-ignored", 7, 4, 5),
];

#[test]
fn pages_as_real_tools_save_them_keep_their_pictures() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases/archives");
    let Ok(config) = std::fs::read_to_string(cases.join("corpus.toml")) else {
        #[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
        {
            eprintln!("skipped: no {}", cases.display());
        }
        return;
    };
    let world = World::new();
    let mut wrong = Vec::new();
    for (at, (path, pages, images, missing)) in CASES.into_iter().enumerate() {
        let config = Config::parse(&config.replace("INPUT", path), &cases).unwrap();
        let folder = world.folder(&format!("case-{at}"), 0);
        run(&config, &folder, &Options::default()).unwrap();
        let manifest: Manifest = folder.read_json(crate::folder::MANIFEST).unwrap();
        let mut steps = manifest.steps.iter();
        let read = steps
            .find(|count| count.step == Step::Permitted)
            .unwrap()
            .before;
        let (of_found, of_missing) = found(&folder);
        if (read, of_found, of_missing) != (pages, images, missing) {
            wrong.push(format!(
                "{path}: {read} pages, {of_found} found, {of_missing} missing"
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

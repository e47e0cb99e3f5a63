//! Which picture is meant, and which pictures are none of the content.

use flamingo_page::Part;

use crate::extraction::{article, extraction, middle};

/// The URLs of the pictures in an article's middle, without its site.
fn pictures(body: &str) -> Vec<String> {
    offers(body)
        .into_iter()
        .map(|mut urls| urls.remove(0))
        .collect()
}

/// All URLs of each picture in an article's middle, without its site.
fn offers(body: &str) -> Vec<Vec<String>> {
    let parts = extraction(&article(body)).page.parts;
    let images = parts.into_iter().filter_map(|part| match part {
        Part::Image(image) => Some([vec![image.url], image.also].concat()),
        Part::Text(_) | Part::Video(_) => None,
    });
    let local = |url: String| url.replace("https://a.example", "");
    images
        .map(|urls| urls.into_iter().map(local).collect())
        .collect()
}

const ONE_PIXEL: &str = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";

#[test]
fn a_lazy_picture_needs_no_ending() {
    for lazy in [
        "data-src=/i/9/large",
        "data-original='/i/9/large'",
        "data-lazy-src=/i/9/large",
        "data-echo=/i/9/large",
    ] {
        for source in [
            format!("src='{ONE_PIXEL}'"),
            "src=/blank.gif".to_owned(),
            String::new(),
        ] {
            assert_eq!(
                pictures(&format!("<p><img {source} {lazy}></p>")),
                ["/i/9/large"],
                "{source} {lazy}"
            );
        }
    }
    assert_eq!(
        pictures("<p><img src=/a.jpg data-link=/news/today data-src=/b></p>"),
        ["/a.jpg"]
    );
}

#[test]
fn where_a_saved_picture_was_is_offered_behind_its_bytes() {
    let small = "data:image/bmp;base64,Qk0AAA";
    for note in [
        "data-sf-original-src=/i/a.png",
        "data-savepage-src=/i/a.png data-savepage-currentsrc=https://a.example/i/a.png",
        "data-scrapbook-orig-attr-src--1=/i/a.png",
    ] {
        let found = offers(&format!("<img src='{small}' {note}>"));
        assert_eq!(found, [[small]], "{note}");
        // One that the tool could not have is still known by where it was.
        let found = offers(&format!("<img src='data:,' {note}>"));
        assert_eq!(found, [["/i/a.png"]], "{note}");
    }
}

#[test]
fn the_largest_of_one_picture_wins_and_another_never() {
    for (image, best) in [
        ("src=/sea-1200.jpg data-src=/sea-300.jpg", "/sea-1200.jpg"),
        (
            "src=/sea-300x200.jpg data-large-file=/sea-1024x683.jpg data-medium-file=/sea-450x300.jpg",
            "/sea-1024x683.jpg",
        ),
        ("src=/sea.jpg data-thumbnail=/sea-small.jpg", "/sea.jpg"),
        (
            "src=/sea.jpg data-blur-src=/sea-blur.jpg data-author-photo=/people/jo.jpg",
            "/sea.jpg",
        ),
        ("src=/sea-20.jpg data-src=/sea.jpg", "/sea.jpg"),
        ("src='/sea?w=20' data-src='/sea?w=900'", "/sea?w=900"),
        (
            "src=/sea-1600.jpg srcset='/sea-320.jpg 320w, /sea-640.jpg 640w'",
            "/sea-1600.jpg",
        ),
        (
            "src=/blank.gif data-thumb=/sea-small.jpg data-full=/sea-full.jpg",
            "/sea-full.jpg",
        ),
        (
            "src=/blank.gif data-thumb=/img/sea-small.jpg",
            "/img/sea-small.jpg",
        ),
    ] {
        assert_eq!(
            pictures(&format!("<p><img {image}></p>")),
            [best],
            "{image}"
        );
    }
}

#[test]
fn previews_of_a_picture_are_not_offered_beside_it() {
    for (image, offered) in [
        (
            "src='/sea.jpg?w=20' data-src='/sea.jpg?w=900'",
            &["/sea.jpg?w=900"][..],
        ),
        ("src=/sea.jpg data-src='/sea.jpg?w=20'", &["/sea.jpg"]),
        ("src=/sea-20x12.jpg data-src=/sea.jpg", &["/sea.jpg"]),
        ("src=/sea.jpg data-src=/sea-20x12.jpg", &["/sea.jpg"]),
        (
            "src=/thumb/sea.jpg data-src=/full/sea.jpg",
            &["/full/sea.jpg"],
        ),
        (
            "src=/photos/sea.jpg data-src=/thumb/sea.jpg",
            &["/photos/sea.jpg"],
        ),
        (
            "src=/sea.jpg data-thumb=/sea-150x150.jpg data-lowsrc=/sea-9.jpg",
            &["/sea.jpg"],
        ),
        (
            "src=/blank.gif data-thumb=/i/sea-300x200.jpg data-src=/i/sea.jpg",
            &["/i/sea.jpg"],
        ),
        ("src=/sea-blur.jpg data-src=/sea.jpg", &["/sea.jpg"]),
        ("src=/sea.jpg srcset='/sea-blur.jpg 20w'", &["/sea.jpg"]),
        (
            "src=/sea-tiny.jpg srcset='/sea-tiny.jpg 20w, /sea-800.jpg 800w, /sea-400.jpg 400w'",
            &["/sea-800.jpg", "/sea-400.jpg"],
        ),
        (
            "src=/i/sea.lqip.jpg data-srcset='/i/sea-800.jpg 800w'",
            &["/i/sea-800.jpg"],
        ),
        (
            "src=/up/e_blur:1000,q_1,w_500/sea.jpg data-src=/up/w_900/sea.jpg",
            &["/up/w_900/sea.jpg"],
        ),
        (
            "src=/v1/w_49,h_32,al_c,enc_auto/sea.jpg data-src=/v1/w_900,h_600,al_c,enc_auto/sea.jpg",
            &["/v1/w_900,h_600,al_c,enc_auto/sea.jpg"],
        ),
        (
            "src='/sea.jpg?blur=200&px=16' data-src=/sea.jpg",
            &["/sea.jpg"],
        ),
        (
            "src=/files/sea_20x.jpg data-src=/files/sea_900x.jpg",
            &["/files/sea_900x.jpg"],
        ),
        (
            "src='/max/60/sea.jpg?q=20' data-src=/max/1400/sea.jpg",
            &["/max/1400/sea.jpg"],
        ),
        (
            "src='/sea?name=thumb' data-src='/sea?name=large'",
            &["/sea?name=large"],
        ),
        (
            "src=/sea.jpg style='background-image:url(/sea-blur.jpg)'",
            &["/sea.jpg"],
        ),
        (
            "src=/blank.gif data-author-image=/people/jo.jpg data-src=/i/sea.jpg",
            &["/i/sea.jpg"],
        ),
    ] {
        assert_eq!(
            offers(&format!("<p><img {image}></p>")),
            [offered],
            "{image}"
        );
    }
    let other = "<p><img src=/pix/fallback.gif data-src=/thumbnails/sea-1204.jpg></p>";
    assert_eq!(offers(other), [["/thumbnails/sea-1204.jpg"]]);
    let link = "<p><a href=/full/sea.jpg><img src=/thumbs/sea.jpg></a></p>";
    assert_eq!(offers(link), [["/full/sea.jpg"]]);
    let later =
        "<p><img src=/st/20/sea-blur.jpg><noscript><img src=/st/800/sea.jpg></noscript></p>";
    assert_eq!(offers(later), [["/st/800/sea.jpg"]]);
}

#[test]
fn smaller_forms_of_a_picture_and_such_as_only_sound_like_previews_are_offered_beside_it() {
    for name in [
        "greyhound",
        "pixel-8",
        "nuclear",
        "blurb",
        "thumbelina",
        "thumb-war",
        "tiny-house",
        "low-tide",
        "preview-night",
    ] {
        let set = format!(
            "<p><img src=/{name}-640.jpg srcset='/{name}-320.jpg 320w, /{name}-1280.jpg 1280w'></p>"
        );
        assert_eq!(
            offers(&set),
            [[1280, 320, 640].map(|width| format!("/{name}-{width}.jpg"))]
        );
        let lazy = format!("<p><img src='{ONE_PIXEL}' data-src=/i/{name}.jpg></p>");
        assert_eq!(offers(&lazy), [[format!("/i/{name}.jpg")]]);
    }
    for (image, offered) in [
        (
            "src=/sea-desktop.jpg srcset='/sea-mobile.jpg 480w, /sea-desktop.jpg 1200w'",
            ["/sea-desktop.jpg", "/sea-mobile.jpg"],
        ),
        (
            "src=/sea.jpg data-full=/sea-full.jpg",
            ["/sea-full.jpg", "/sea.jpg"],
        ),
        (
            "src=/thumb/a/Sea.jpg/330px-Sea.jpg srcset='/thumb/a/Sea.jpg/660px-Sea.jpg 2x'",
            [
                "/thumb/a/Sea.jpg/660px-Sea.jpg",
                "/thumb/a/Sea.jpg/330px-Sea.jpg",
            ],
        ),
        (
            "src=/sea-300x200.jpg data-src=/sea.jpg",
            ["/sea.jpg", "/sea-300x200.jpg"],
        ),
        (
            "src=/poster-24x36.jpg data-src='/poster-24x36.jpg?v=2'",
            ["/poster-24x36.jpg?v=2", "/poster-24x36.jpg"],
        ),
    ] {
        assert_eq!(
            offers(&format!("<p><img {image}></p>")),
            [offered],
            "{image}"
        );
    }
    assert_eq!(
        offers("<p><img src=/blank.gif data-thumb=/i/sea-small.jpg></p>"),
        [["/i/sea-small.jpg"]]
    );
}

#[test]
fn share_icons_and_portraits_of_authors_without_a_size_are_no_pictures_of_the_page() {
    let share = "<div class='flex gap-2'><a href='https://x.example/intent?url=https%3A%2F%2Fa.example'><img src=/i/x.svg alt=X></a>\
                 <a href='https://f.example/sharer?u=https%3A%2F%2Fa.example'><img src=/i/f.svg alt=F></a>\
                 <a href='mailto:?body=x'><img src=/i/m.svg alt=Mail></a></div>";
    let author = "<div class='flex items-center'><img class='object-cover rounded-full' src=/photos/jo.jpg alt='Jo Doe'>\
                  <div><p>Jo Doe</p><time>3 May</time></div></div>";
    let utility = "<p><img class='inline w-6 h-6' src=/a.png></p><div class='w-10 h-10'><img class='w-full h-full' src=/b.jpg></div>\
                   <p><img src=/c.png style='width: 20px; height: 20px'></p>";
    let badges = "<p><a href=/1><img src=/badges/one.svg></a> <a href=/2><img src=/badges/two.svg></a> <a href=/3><img src=/badges/three.svg></a></p>";
    assert_eq!(
        pictures(&[share, author, utility, badges].concat()),
        [""; 0]
    );
}

#[test]
fn content_pictures_that_look_a_little_like_icons_stay() {
    for body in [
        "<p><img src=/diagrams/flow.svg alt='How water flows'></p>",
        "<p><img src=/an-icon-of-saint-nicholas.jpg></p>",
        "<p><img class='rounded-full' src=/moon.jpg alt='The full moon over the bay'></p>",
        "<p><a href=/big.jpg><img src=/big-small.jpg></a><a href=/c.jpg><img src=/c-small.jpg></a><a href=/d.jpg><img src=/d-small.jpg></a></p>",
        "<p><a href=/about><img class='w-full h-6 md:h-96' src=/bridge.jpg></a></p>",
        "<p><img src=/users/jo/holiday.jpg width=800 height=600></p>",
    ] {
        assert!(!pictures(body).is_empty(), "{body}");
    }
}

#[test]
fn a_small_picture_in_a_sentence_is_what_it_says() {
    let emoji = "<p>Happy <img class=emoji src=/1f389.svg alt=🎉> on that day.</p>";
    let icon = "<p>Press <img src=/ok.png width=16 height=16 alt=OK> to go on.</p>";
    let silent = "<p>See <img src=/i.png width=16 height=16 alt=''>the list.</p>";
    let formula = "<p>Let <img class=latex src='/tex?x' alt='x^2'> be given.</p>";
    assert_eq!(
        middle(&[emoji, icon, silent, formula].concat()),
        "Paragraph: Happy 🎉 on that day.\nParagraph: Press OK to go on.\nParagraph: See the list.\nParagraph: Let x^2 be given."
    );
}

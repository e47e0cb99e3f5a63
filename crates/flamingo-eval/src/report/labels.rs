//! The page of labels, made piece by piece: photos are not all in memory at once.

use std::fmt::Write;

use flamingo_image::Image;

use super::escape::escape;
use super::pictures::{Kind, looked_at, picture};
use super::tables::facts;
use super::template::fill;
use crate::{Calibration, Doubt, Label};

/// The page up to the first photo.
const HEAD: &str = include_str!("labels.html");

/// Classes that a card lists at most.
const LISTED: usize = 5;
/// Shots of a class that are shown at most.
const SHOWN: usize = 6;

/// What the page says about the model and the run.
#[derive(Clone, Debug)]
pub struct LabelsAbout {
    /// The model's name or directory.
    pub model: String,
    /// The program's version.
    pub version: String,
    /// The machine that it ran on.
    pub device: String,
    /// Where the shots are from.
    pub shots: String,
}

/// The page up to the first photo. `shots` are the classes with pictures of their shots, as the encoder sees
/// them.
pub fn labels_head(
    about: &LabelsAbout,
    calibration: &Calibration,
    shots: &[(String, Vec<Image>)],
) -> String {
    let mut shown = String::new();
    for (class, pictures) in shots {
        let pictures: String = pictures
            .iter()
            .take(SHOWN)
            .map(|image| picture(image, class, Kind::Photo))
            .collect();
        let _ = write!(
            shown,
            "<figure class=\"shots\"><span class=\"frames\">{pictures}</span><figcaption>{}</figcaption></figure>",
            escape(class)
        );
    }
    let sentences: String = calibration
        .sentences()
        .iter()
        .map(|s| format!("<p>{}</p>", escape(s)))
        .collect();
    let facts = facts(&[
        ("model", about.model.clone()),
        ("shots", about.shots.clone()),
        ("device", about.device.clone()),
        ("program", format!("flamingo {}", about.version)),
    ]);
    fill(
        HEAD,
        &[
            ("classes", format!("{} classes", shots.len())),
            ("about", facts),
            ("calibration", sentences),
            ("shots", format!("<div class=\"strip\">{shown}</div>")),
            ("cards", String::new()),
        ],
    )
}

/// One photo with its label; `image` is what the encoder sees of it.
pub fn labels_card(label: &Label, classes: &[String], image: &Image) -> String {
    let shown = match &label.look {
        Some(look) => format!(
            "<span class=\"frames\">{}{}</span>",
            picture(image, "the photo", Kind::Photo),
            looked_at(image, look, 0, Kind::Photo)
        ),
        None => picture(image, "the photo", Kind::Photo),
    };
    let (class, verdict) = match label.doubt {
        None => ("right", String::new()),
        Some(Doubt::Unsure) => ("wrong", "unsure: ".to_owned()),
        Some(Doubt::Unlike) => ("wrong", "unlike the shots: ".to_owned()),
    };
    format!(
        "<article class=\"card\"><figure>{shown}<figcaption>{}</figcaption></figure><div class=\"answer\">\
         <p class=\"verdict {class}\">{verdict}{}</p>{}</div></article>\n",
        escape(&label.reference),
        escape(&classes[label.class]),
        candidates(label, classes)
    )
}

fn candidates(label: &Label, classes: &[String]) -> String {
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by(|&a, &b| label.probabilities[b].total_cmp(&label.probabilities[a]));
    let mut html = String::from("<ol class=\"candidates\">");
    for &class in order.iter().take(LISTED) {
        let share = label.probabilities[class];
        let _ = write!(
            html,
            "<li style=\"--share:{share:.3}\"><span class=\"text\">{}</span><span class=\"share\">{:.0}%</span>\
             <span class=\"log\">{:.0}%, cos {:.2}</span></li>",
            escape(&classes[class]),
            share * 100.0,
            label.likelihood[class] * 100.0,
            label.cosines[class]
        );
    }
    let left_out = classes.len().saturating_sub(LISTED);
    if left_out > 0 {
        let _ = write!(html, "<li class=\"more\">{left_out} more classes</li>");
    }
    html + "</ol>"
}

/// The end of the page: photos that could not be read, each with the reason.
pub fn labels_foot(unreadable: &[(String, String)]) -> String {
    let mut html = String::from("</div>\n</section>\n");
    if !unreadable.is_empty() {
        html.push_str("<section>\n<h2>Not labelled</h2>\n<ul>");
        for (photo, reason) in unreadable {
            let _ = write!(
                html,
                "<li><code>{}</code>: {}</li>",
                escape(photo),
                escape(reason)
            );
        }
        html.push_str("</ul>\n</section>\n");
    }
    html + "</main>\n<footer>\n<p>Behind the probability of a class: its share by the model's likelihood alone, and the \
            cosine with its class mean. Where it looked: cross-attention of the token before the name, averaged over \
            heads and gated layers, carried back through the resampler to the photo; the brighter, the more.</p>\n\
            </footer>\n</body>\n</html>\n"
}

#[cfg(test)]
mod tests {
    use flamingo_engine::Look;

    use super::*;
    use crate::{Share, Threshold, Weighing};

    fn calibration() -> Calibration {
        let share = |right| Share { right, queries: 8 };
        Calibration {
            weighing: Weighing::default(),
            likelihood: share(5),
            class_mean: share(6),
            both: share(7),
            shots: 8,
            sure: Threshold {
                probability: 0.5,
                shots: Some((7, 7)),
            },
            alike: Some(0.25),
        }
    }

    #[test]
    fn the_page_is_whole_and_loads_nothing_and_names_cannot_become_markup() {
        let about = LabelsAbout {
            model: "photos".into(),
            version: "0.1.0".into(),
            device: "cpu".into(),
            shots: "<shots>".into(),
        };
        let image = Image::solid(7, 5, [200, 30, 30]);
        let classes = ["<b>".to_owned(), "dog".to_owned()];
        let shots = classes.clone().map(|class| (class, vec![image.clone()]));
        let look = Look {
            reference: "a&b.jpg".into(),
            side: 2,
            frames: 1,
            weights: vec![0.1, 0.2, 0.3, 0.4],
        };
        let label = Label {
            reference: "a&b.jpg".into(),
            class: 0,
            probabilities: vec![0.75, 0.25],
            likelihood: vec![0.5, 0.5],
            cosines: vec![0.8, 0.7],
            doubt: Some(Doubt::Unlike),
            look: Some(look),
        };
        let bad = [("<i>.jpg".to_owned(), "it is cut".to_owned())];
        let page = labels_head(&about, &calibration(), &shots)
            + &labels_card(&label, &classes, &image)
            + &labels_foot(&bad);
        for text in [
            "unlike the shots: &lt;b&gt;",
            "75%",
            "a&amp;b.jpg",
            "&lt;i&gt;.jpg</code>: it is cut",
            "&lt;shots&gt;",
        ] {
            assert!(page.contains(text), "{text}: {page}");
        }
        for tag in ["article", "section", "figure", "div", "ol", "main", "body"] {
            let opened = page.matches(&format!("<{tag}>")).count()
                + page.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
        for loading in [
            "src=\"http",
            "<script",
            "<link",
            "url(",
            "@import",
            "{{",
            "<b>",
            "<i>",
        ] {
            assert!(!page.contains(loading), "{loading}");
        }
        assert_eq!(page.matches("data:image/jpeg;base64,").count(), 4);
    }
}

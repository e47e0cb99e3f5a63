//! Files that are none of a task's: an error or a count, never a panic.

use std::path::Path;

use flamingo_tasks::{Benchmark, DataFolder, ReadOptions, check_data, task};

use crate::Folder;

const TEXTS: &[&str] = &[
    "",
    "\u{feff}",
    "null",
    "[",
    "[]",
    "{}",
    "[[]]",
    "[{}]",
    "{\"images\": [{\"split\": \"test\", \"cocoid\": 1, \"filename\": \"x\", \"sentences\": []}]}",
    "{\"annotations\": [{\"image_id\": 1, \"question_id\": 1, \"answers\": [{}]}]}",
    "{\"questions\": [{\"image_id\": -1, \"question_id\": 1e99, \"question\": 5}]}",
    "{\"data\": [{\"question_id\": 1, \"question\": \"?\", \"image_id\": [], \"answers\": []}]}",
    "{\"data\": {\"questions\": [], \"answers\": [\"x\"], \"dialogs\": [{\"image_id\": 1, \"caption\": \"c\", \"dialog\": [{\"question\": 0, \"answer_options\": [-1, 0.5], \"gt_index\": 9}]}]}}",
    "{\"data\": {\"questions\": [1], \"answers\": {}, \"dialogs\": 3}}",
    "{\"database\": {\"a\": {\"subset\": \"validation\", \"annotations\": [{\"id\": 0, \"segment\": [1e999, -1]}]}}}",
    "{\"database\": [1]}",
    "[{\"image_id\": 1, \"round_id\": 1, \"gt_relevance\": []}]",
    "[{\"question_id\": \"\", \"question\": \"\", \"video_id\": \"\", \"start\": 0, \"end\": 0, \"choices\": [{\"choice_id\": 0, \"choice\": \"\"}], \"answer\": \"\"}]",
    "[{\"id\": 1, \"question\": \"?\", \"answer\": \"x\", \"video_id\": 18446744073709551616}]",
    "[{\"videoID\": \"../../a\", \"enCap\": [1]}]",
    "video_id,start,end,class_id,verb,noun,annotation\na,nan,inf,184467440737095516160,b,c,d\n",
    "video,qid,answer,type,question\n,,,,\n\"",
    "label,youtube_id,time_start,time_end\nx,y,-1,5\nx,y,18446744073709551615,5\n",
    "{\"id\": 1, \"img\": \"/\", \"label\": \"x\", \"text\": \"\"}\n{\"id\": 1, \"img\": \"\", \"text\": \"\"}\n",
    "\"\"\",,\n\u{0}\n",
];

#[test]
fn no_file_of_another_form_stops_a_task() {
    for benchmark in Benchmark::ALL {
        let task = task(benchmark.name()).unwrap();
        let empty = Folder::new();
        let report = check_data(&*task, &empty.path(), &ReadOptions::default()).unwrap();
        for text in TEXTS {
            let folder = Folder::new();
            for file in &report.files {
                if Path::new(&file.name).extension().is_some() {
                    folder.write(&file.name, text);
                } else {
                    folder.write(&format!("{}/class/picture.jpg", file.name), text);
                }
            }
            folder.write("classnames.json", text);
            for split in task.protocol().splits {
                let options = ReadOptions {
                    split: Some((*split).to_owned()),
                    ..ReadOptions::default()
                };
                let read = task.read(&DataFolder::new(folder.path()), &options);
                match read {
                    // Nothing of this can be asked.
                    Ok(examples) => assert!(examples.queries.examples.is_empty(), "{text}"),
                    Err(error) => assert!(error.to_string().len() > 10, "{error}"),
                }
            }
            let report = check_data(&*task, &folder.path(), &ReadOptions::default()).unwrap();
            assert!(!report.is_ready(), "{report}");
        }
    }
}

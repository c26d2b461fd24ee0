//! The targets without libFuzzer: their corpora, and inputs that a fixed seed makes of them.
//!
//! `FUZZ_INPUTS=100000 FUZZ_SEED=7 cargo test --workspace --test corpus` tries more inputs, or others. A failure says
//! the target and the input.

use fastrand::Rng;
use fuzz::{TARGETS, Target};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const SEED: u64 = 20_261_126;
/// Inputs that are made up for each target: with those of the corpora less than a minute on two cores. A whole file of
/// orders takes some milliseconds in the everyday build.
const INPUTS: u64 = 500;
/// No input may take this long, on a machine that is busy; libFuzzer's own limit is a fraction of it.
const LONGEST: Duration = Duration::from_secs(20);
/// The corpora together, as files of the project.
const MOST_BYTES: u64 = 2 << 20;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// The inputs of a target's corpus, in the order of their names.
fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let folder = folder().join(target.name);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Runs one input; what is wrong, with the input.
fn attempt(target: &Target, input: &[u8]) {
    let began = Instant::now();
    let told = || format!("{}: {:?}", target.name, String::from_utf8_lossy(input));
    assert!(catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_ok(), "{}; its bytes: {input:02x?}", told());
    assert!(began.elapsed() < LONGEST, "{:?} for {}", began.elapsed(), told());
}

/// Another input, made of `input` and of `other`.
fn changed(target: &Target, input: &[u8], other: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut input = input.to_vec();
    let words: Vec<&str> = target.words.concat();
    for _ in 0..rng.usize(1..5) {
        let at = rng.usize(0..=input.len());
        let until = (at + rng.usize(0..24)).min(input.len());
        match rng.u8(0..8) {
            0 if at < input.len() => input[at] ^= 1 << rng.u8(0..8),
            1 if at < input.len() => input[at] = rng.u8(..),
            2 if !words.is_empty() => drop(input.splice(at..at, words[rng.usize(0..words.len())].bytes())),
            3 if !words.is_empty() => drop(input.splice(at..until, words[rng.usize(0..words.len())].bytes())),
            4 => drop(input.drain(at..until)),
            5 => {
                let again = input[at..until].repeat(rng.usize(1..4));
                input.splice(at..at, again);
            }
            6 => {
                let from = rng.usize(0..=other.len());
                input.splice(at..until, other[from..(from + rng.usize(0..64)).min(other.len())].iter().copied());
            }
            _ => input.truncate(at.max(1)),
        }
    }
    input.truncate(target.longest);
    input
}

#[test]
fn every_target_holds_for_its_corpus_and_for_what_is_made_of_it() {
    let (seed, inputs) = (number("FUZZ_SEED", SEED), number("FUZZ_INPUTS", INPUTS));
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(target) = TARGETS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let known = [corpus(target), (target.seeds)()].concat();
                    known.iter().for_each(|input| attempt(target, input));
                    let mut rng = Rng::with_seed(seed);
                    for _ in 0..inputs {
                        let (one, other) = (&known[rng.usize(0..known.len())], &known[rng.usize(0..known.len())]);
                        attempt(target, &changed(target, one, other, &mut rng));
                    }
                }
            });
        }
    });
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(names.len(), TARGETS.len(), "two targets have one name");
    let folders = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(folders.map(|name| name.to_string_lossy().into_owned()).collect::<BTreeSet<_>>(), names);
    let sizes = TARGETS.iter().map(|target| {
        let corpus = corpus(target);
        assert!(!corpus.is_empty() && !(target.seeds)().is_empty(), "{} has nothing to begin with", target.name);
        assert!(corpus.iter().all(|input| input.len() <= target.longest), "{}: an input is too long", target.name);
        corpus.iter().map(|input| input.len() as u64).sum::<u64>()
    });
    assert!(sizes.sum::<u64>() <= MOST_BYTES, "run `cargo xtask fuzz --merge`");
}

#[test]
fn what_does_not_hold_is_found() {
    fn picky(input: &[u8]) {
        assert!(!input.contains(&b'!'), "an exclamation mark");
    }
    let target = Target { name: "picky", reads: "", run: picky, seeds: Vec::new, words: &[&["!"]], longest: 64 };
    let mut rng = Rng::with_seed(SEED);
    let found = (0..INPUTS).any(|_| {
        let input = changed(&target, b"seed", b"other", &mut rng);
        catch_unwind(AssertUnwindSafe(|| attempt(&target, &input))).is_err()
    });
    assert!(found, "{INPUTS} inputs without an exclamation mark");
}

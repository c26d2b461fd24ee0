//! The program that libFuzzer's `main` is linked to. `FUZZ_TARGET` names the target; without it the targets are listed,
//! each with its longest input and what it reads. The target's seeds are written to the folder `FUZZ_SEEDS`, which libFuzzer is given as one
//! of its corpora, and its words beside it as a dictionary.

#![no_main]
#![allow(unsafe_code, reason = "libFuzzer calls by names that are linked, and hands over a pointer")]

use fuzz::Target;
use std::ffi::{c_char, c_int};
use std::path::Path;
use std::sync::OnceLock;

static TARGET: OnceLock<&Target> = OnceLock::new();

/// libFuzzer calls it once, before it reads a corpus.
#[unsafe(no_mangle)]
extern "C" fn LLVMFuzzerInitialize(_: *mut c_int, _: *mut *mut *mut c_char) -> c_int {
    // An abort is what libFuzzer takes for a finding.
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        print(info);
        std::process::abort();
    }));
    let Ok(name) = std::env::var("FUZZ_TARGET") else { list() };
    let target = fuzz::by_name(&name).unwrap_or_else(|| panic!("no target is called {name:?}"));
    if let Some(folder) = std::env::var_os("FUZZ_SEEDS") {
        write_seeds(target, Path::new(&folder)).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    }
    TARGET.get_or_init(|| target);
    0
}

fn list() -> ! {
    for Target { name, longest, reads, .. } in fuzz::TARGETS {
        println!("{name} {longest} {reads}");
    }
    std::process::exit(0)
}

fn write_seeds(target: &Target, folder: &Path) -> std::io::Result<()> {
    for (at, seed) in (target.seeds)().into_iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{at:03}")), seed)?;
    }
    let quoted = |byte: u8| match byte {
        b'"' | b'\\' | ..=b' ' | 0x7f.. => format!("\\x{byte:02X}"),
        byte => char::from(byte).to_string(),
    };
    let line = |word: &&str| format!("\"{}\"\n", word.bytes().map(quoted).collect::<String>());
    // libFuzzer takes an empty file for a mistake.
    let words: String = target.words.concat().iter().map(line).collect();
    std::fs::write(folder.with_extension("dict"), format!("# Words of {}.\n{words}", target.name))
}

/// libFuzzer calls it for each input.
///
/// # Safety
/// `data` are `size` bytes that nobody writes to meanwhile, which libFuzzer promises.
#[unsafe(no_mangle)]
unsafe extern "C" fn LLVMFuzzerTestOneInput(data: *const u8, size: usize) -> c_int {
    // SAFETY: as promised; the pointer may be null where there are none.
    let input = if size == 0 { &[] } else { unsafe { std::slice::from_raw_parts(data, size) } };
    if let Some(target) = TARGET.get() {
        (target.run)(input);
    }
    0
}

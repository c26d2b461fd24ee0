//! Counts the parts of a component before anything of it is compiled.
//!
//! One pass over the file, in time proportional to its size and with hardly any memory. Whether the parts
//! are valid and fit together is left to the compiler.

use crate::limits::{
    MAX_ALIASES, MAX_BLOCK_DEPTH, MAX_BRANCH_TARGETS, MAX_COMPONENT_DEPTH, MAX_COMPONENTS, MAX_ELEMENTS, MAX_EXPORTS,
    MAX_FUNCTION_BYTES, MAX_FUNCTION_LOCALS, MAX_FUNCTIONS, MAX_GLOBALS, MAX_IMPORTS, MAX_INSTANCES,
    MAX_INSTANTIATIONS, MAX_LOCALS, MAX_MEMORIES, MAX_MODULES, MAX_NESTED_LIFTS, MAX_PARAMS, MAX_RESULTS, MAX_SEGMENTS,
    MAX_TYPE_DEPTH, MAX_TYPES,
};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use wasmparser::{
    BinaryReader, BinaryReaderError, CanonicalFunction, ComponentAlias, ComponentExternName, ComponentImport,
    ComponentInstance, ComponentType, ComponentTypeRef, CompositeInnerType, CoreType, ElementItems, Encoding,
    FunctionBody, Instance, ModuleTypeDeclaration, Operator, Parser, Payload, RecGroup,
};

/// What the parser says of a file that is no component.
struct Unreadable(String);

impl From<BinaryReaderError> for Unreadable {
    fn from(error: BinaryReaderError) -> Self {
        Self(error.to_string())
    }
}

type Result<T, E = Unreadable> = std::result::Result<T, E>;

/// What is counted.
#[derive(Debug, Clone, Copy)]
enum Part {
    Modules,
    Components,
    ComponentDepth,
    TypeDepth,
    Types,
    Params,
    Results,
    Imports,
    Exports,
    Instantiations,
    CoreInstances,
    Memories,
    Aliases,
    NestedLifts,
    Functions,
    FunctionBytes,
    FunctionLocals,
    Locals,
    BlockDepth,
    BranchTargets,
    Globals,
    Segments,
    Elements,
}

/// How many parts are counted.
const PARTS: usize = 23;

/// Each part with its name and how much of it there may be.
const LIMITS: [(Part, &str, u64); PARTS] = [
    (Part::Modules, "core modules", MAX_MODULES),
    (Part::Components, "nested components", MAX_COMPONENTS),
    (Part::ComponentDepth, "levels of nested components", MAX_COMPONENT_DEPTH),
    (Part::TypeDepth, "levels of nested types", MAX_TYPE_DEPTH),
    (Part::Types, "types", MAX_TYPES),
    (Part::Params, "parameters of a function", MAX_PARAMS),
    (Part::Results, "results of a function", MAX_RESULTS),
    (Part::Imports, "imports", MAX_IMPORTS),
    (Part::Exports, "exports", MAX_EXPORTS),
    (Part::Instantiations, "instances", MAX_INSTANTIATIONS),
    (Part::CoreInstances, "core instances", MAX_INSTANCES as u64),
    (Part::Memories, "memories that are not empty", MAX_MEMORIES),
    (Part::Aliases, "aliases and canonical functions", MAX_ALIASES),
    (Part::NestedLifts, "functions lifted in nested components", MAX_NESTED_LIFTS),
    (Part::Functions, "functions", MAX_FUNCTIONS),
    (Part::FunctionBytes, "bytes of a function", MAX_FUNCTION_BYTES),
    (Part::FunctionLocals, "locals of a function", MAX_FUNCTION_LOCALS),
    (Part::Locals, "locals of all functions", MAX_LOCALS),
    (Part::BlockDepth, "levels of nested blocks", MAX_BLOCK_DEPTH),
    (Part::BranchTargets, "branch targets of a function", MAX_BRANCH_TARGETS),
    (Part::Globals, "globals", MAX_GLOBALS),
    (Part::Segments, "data and element segments", MAX_SEGMENTS),
    (Part::Elements, "elements", MAX_ELEMENTS),
];

/// What a component may be made of: the name of each part, as [`LoadError::TooComplex`] has it, and the
/// most that there may be.
///
/// [`LoadError::TooComplex`]: crate::LoadError::TooComplex
pub fn structure_limits() -> impl Iterator<Item = (&'static str, u64)> {
    LIMITS.into_iter().map(|(_, name, most)| (name, most))
}

/// What a component asks for and offers, as it can be read without compiling it.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Structure {
    /// The names of everything it imports.
    pub imports: Vec<String>,
    /// The names of everything it exports.
    pub exports: Vec<String>,
    /// Core instances of each call.
    pub core_instances: u64,
    /// Memories of each call that are not empty.
    pub memories: u64,
}

/// Why a file is not compiled.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StructureError {
    /// It has more of a part than is allowed. Levels are counted to the first that is too deep.
    Excess {
        /// The part, as [`structure_limits`] calls it.
        part: &'static str,
        /// How much of it there is.
        found: u64,
        /// The most that there may be.
        limit: u64,
    },
    /// It is no component; what the parser says.
    NotAComponent(String),
}

/// Begins every WebAssembly file.
const MAGIC: &[u8] = b"\0asm";

impl Structure {
    /// Counts the parts of the component `bytes`, in a time proportional to its size.
    ///
    /// # Errors
    ///
    /// It has too much of a part, or is no component.
    pub fn read(bytes: &[u8]) -> Result<Self, StructureError> {
        // In words of its own: the parser's are a table of bytes.
        if !bytes.starts_with(MAGIC) {
            let reason = "it does not begin as a WebAssembly file does; check that it is the file that was built";
            return Err(StructureError::NotAComponent(reason.to_owned()));
        }
        let mut counter = Counter::of(bytes);
        let read = counter.all();
        // First what is too large: a file that is not read to its end for that is also incomplete.
        for (part, name, limit) in LIMITS {
            let found = *counter.count(part);
            if found > limit {
                return Err(StructureError::Excess { part: name, found, limit });
            }
        }
        match read {
            Ok(()) => {
                let (core_instances, memories) = (*counter.count(Part::CoreInstances), *counter.count(Part::Memories));
                Ok(Self { core_instances, memories, ..counter.structure })
            }
            Err(Unreadable(reason)) => Err(StructureError::NotAComponent(reason)),
        }
    }
}

struct Counter<'a> {
    bytes: &'a [u8],
    counts: [u64; PARTS],
    structure: Structure,
}

impl<'a> Counter<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Counter { bytes, counts: [0; PARTS], structure: Structure::default() }
    }

    fn add(&mut self, part: Part, count: impl TryInto<u64>) {
        let count = count.try_into().unwrap_or(u64::MAX);
        let total = self.count(part);
        *total = total.saturating_add(count);
    }

    #[expect(clippy::indexing_slicing, reason = "there are as many counts as parts")]
    fn count(&mut self, part: Part) -> &mut u64 {
        &mut self.counts[part as usize]
    }

    /// Keeps the largest of what is bounded one by one.
    fn largest(&mut self, part: Part, size: impl TryInto<u64>) {
        let size = size.try_into().unwrap_or(u64::MAX);
        let largest = self.count(part);
        *largest = size.max(*largest);
    }

    fn all(&mut self) -> Result<()> {
        // Components and modules that are open around what is read.
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(self.bytes) {
            match payload? {
                Payload::ModuleSection { .. } => {
                    self.add(Part::Modules, 1u64);
                    depth += 1;
                }
                Payload::ComponentSection { .. } => {
                    self.add(Part::Components, 1u64);
                    depth += 1;
                }
                Payload::End(_) => depth = u64::saturating_sub(depth, 1),
                payload => self.payload(payload, depth)?,
            }
            self.largest(Part::ComponentDepth, depth);
            // The parser remembers each level, so a chain of them is not followed to its end.
            if depth > MAX_COMPONENT_DEPTH {
                break;
            }
        }
        Ok(())
    }

    fn payload(&mut self, payload: Payload<'a>, depth: u64) -> Result<()> {
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(Unreadable("it is a core module; encode it as a component".to_owned()));
            }
            Payload::TypeSection(section) => {
                for group in section {
                    self.core_types(&group?);
                }
            }
            Payload::CoreTypeSection(section) => {
                for core_type in section {
                    self.core_type(&core_type?);
                }
            }
            Payload::ComponentTypeSection(section) => self.component_types(section.range(), section.count())?,
            Payload::ImportSection(section) => self.add(Part::Imports, section.count()),
            Payload::ComponentImportSection(section) => {
                self.add(Part::Imports, section.count());
                if depth == 0 {
                    for import in section {
                        self.structure.imports.push(import?.name.name.to_owned());
                    }
                }
            }
            Payload::ExportSection(section) => self.add(Part::Exports, section.count()),
            Payload::ComponentExportSection(section) => {
                self.add(Part::Exports, section.count());
                if depth == 0 {
                    for export in section {
                        self.structure.exports.push(export?.name.name.to_owned());
                    }
                }
            }
            Payload::InstanceSection(section) => {
                for instance in section {
                    self.add(Part::Instantiations, 1u64);
                    match instance? {
                        Instance::Instantiate { args, .. } => {
                            self.add(Part::CoreInstances, 1u64);
                            self.add(Part::Imports, args.len());
                        }
                        Instance::FromExports(exports) => self.add(Part::Exports, exports.len()),
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    self.add(Part::Instantiations, 1u64);
                    match instance? {
                        ComponentInstance::Instantiate { args, .. } => self.add(Part::Imports, args.len()),
                        ComponentInstance::FromExports(exports) => self.add(Part::Exports, exports.len()),
                    }
                }
            }
            Payload::ComponentAliasSection(section) => self.add(Part::Aliases, section.count()),
            Payload::ComponentCanonicalSection(section) => {
                self.add(Part::Aliases, section.count());
                if depth > 0 {
                    for function in section {
                        let is_lifted = matches!(function?, CanonicalFunction::Lift { .. });
                        self.add(Part::NestedLifts, u64::from(is_lifted));
                    }
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.add(Part::Memories, u64::from(memory?.initial > 0));
                }
            }
            Payload::GlobalSection(section) => self.add(Part::Globals, section.count()),
            Payload::DataSection(section) => self.add(Part::Segments, section.count()),
            Payload::ElementSection(section) => {
                self.add(Part::Segments, section.count());
                for element in section {
                    match element?.items {
                        ElementItems::Functions(items) => self.add(Part::Elements, items.count()),
                        ElementItems::Expressions(_, items) => self.add(Part::Elements, items.count()),
                    }
                }
            }
            Payload::CodeSectionStart { count, .. } => self.add(Part::Functions, count),
            Payload::CodeSectionEntry(body) => self.function(&body)?,
            _ => {}
        }
        Ok(())
    }

    fn core_types(&mut self, group: &RecGroup) {
        for core_type in group.types() {
            self.add(Part::Types, 1u64);
            if let CompositeInnerType::Func(function) = &core_type.composite_type.inner {
                self.largest(Part::Params, function.params().len());
                self.largest(Part::Results, function.results().len());
            }
        }
    }

    fn core_type(&mut self, core_type: &CoreType<'_>) {
        match core_type {
            CoreType::Rec(group) => self.core_types(group),
            CoreType::Module(declarations) => {
                self.add(Part::Types, declarations.len());
                for declaration in declarations {
                    if let ModuleTypeDeclaration::Type(group) = declaration {
                        self.core_types(group);
                    }
                }
            }
        }
    }

    /// Reads the `count` component types in `range`. The parser's own function for them calls itself for
    /// types within types, to any depth, so these are followed here.
    fn component_types(&mut self, range: Range<usize>, count: u32) -> Result<()> {
        const COMPONENT: u8 = 0x41;
        const INSTANCE: u8 = 0x42;
        let section = self.bytes.get(range.clone()).unwrap_or_default();
        let mut reader = BinaryReader::new(section, range.start);
        // The section begins with the number of its types.
        reader.read_var_u32()?;
        // How many types or declarations are left on each level.
        let mut left = vec![count];
        while let Some(here) = left.last_mut() {
            let Some(rest) = here.checked_sub(1) else {
                left.pop();
                continue;
            };
            *here = rest;
            self.add(Part::Types, 1u64);
            if left.len() > 1 && !self.declaration(&mut reader)? {
                continue;
            }
            match reader.clone().read_u8()? {
                COMPONENT | INSTANCE => {
                    reader.read_u8()?;
                    left.push(reader.read_var_u32()?);
                    let depth = left.len() - 1;
                    self.largest(Part::TypeDepth, depth);
                    if depth as u64 > MAX_TYPE_DEPTH {
                        return Ok(());
                    }
                }
                _ => {
                    reader.read::<ComponentType<'_>>()?;
                }
            }
        }
        Ok(())
    }

    /// Reads a declaration within a type; whether it is of a type, which then follows.
    fn declaration(&mut self, reader: &mut BinaryReader<'a>) -> Result<bool> {
        match reader.read_u8()? {
            0x00 => {
                let core_type = reader.read::<CoreType<'_>>()?;
                self.core_type(&core_type);
            }
            0x01 => return Ok(true),
            0x02 => {
                reader.read::<ComponentAlias<'_>>()?;
            }
            0x03 => {
                reader.read::<ComponentImport<'_>>()?;
            }
            0x04 => {
                reader.read::<ComponentExternName<'_>>()?;
                reader.read::<ComponentTypeRef>()?;
            }
            kind => return Err(Unreadable(format!("a type has a declaration of the unknown kind {kind:#x}"))),
        }
        Ok(false)
    }

    fn function(&mut self, body: &FunctionBody<'a>) -> Result<()> {
        self.largest(Part::FunctionBytes, body.range().len());
        let mut locals = 0u64;
        for group in body.get_locals_reader()? {
            locals += u64::from(group?.0);
        }
        self.add(Part::Locals, locals);
        self.largest(Part::FunctionLocals, locals);
        let (mut depth, mut targets) = (0u64, 0u64);
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            match operators.read()? {
                Operator::Block { .. }
                | Operator::Loop { .. }
                | Operator::If { .. }
                | Operator::Try { .. }
                | Operator::TryTable { .. } => {
                    depth += 1;
                    self.largest(Part::BlockDepth, depth);
                }
                Operator::End => depth = depth.saturating_sub(1),
                Operator::BrTable { targets: table } => targets += u64::from(table.len()),
                _ => {}
            }
        }
        self.largest(Part::BranchTargets, targets);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many times what is there: room for later versions of a plugin.
    const ROOM: u64 = 8;

    #[test]
    fn plugins_of_the_sdk_are_far_from_every_limit() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/plugins");
        let files = std::fs::read_dir(folder).expect("run `cargo xtask plugins` first");
        let files = files.map(|file| file.unwrap());
        // One function with each of forty ways to misbehave is nested deeper than any provider.
        let files = files.filter(|file| !file.file_name().to_string_lossy().starts_with("hostile"));
        let files: Vec<_> = files.map(|file| std::fs::read(file.path()).unwrap()).collect();
        assert!(!files.is_empty(), "run `cargo xtask plugins` first");
        for bytes in files {
            let mut counter = Counter::of(&bytes);
            assert!(counter.all().is_ok());
            assert!(counter.counts[Part::Functions as usize] > 0, "nothing was counted");
            for (part, name, limit) in LIMITS {
                let found = counter.counts[part as usize];
                // A component has one memory, and later versions have one.
                let room = if matches!(part, Part::Memories) { 1 } else { ROOM };
                assert!(found * room <= limit, "{found} {name}");
            }
        }
    }
}

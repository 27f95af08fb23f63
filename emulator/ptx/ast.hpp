// What the parser makes of PTX text: names resolved to declarations, nothing interpreted.
// Opcode modifiers stay text ("ld", "global", "nc", "v4", "f32"); code/ gives them meaning.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ptxvm::ptx {

enum class Space : std::uint8_t { None, Global, Constant, Shared, Local, Param };

// Fundamental types as PTX names them; only declarations carry one, instructions keep text.
enum class Type : std::uint8_t {
  None, Pred, B8, B16, B32, B64, B128, U8, U16, U32, U64, S8, S16, S32, S64,
  F16, F16x2, BF16, BF16x2, F32, F64
};

unsigned size_of(Type type);  // bytes; Pred and None are 0

// Texts come from outside: one that lacks an operand is an error to be told, wherever it is missed.
template <class T>
struct CheckedList : std::vector<T> {
  using std::vector<T>::vector;
  T& operator[](std::size_t index) { return this->at(index); }
  const T& operator[](std::size_t index) const { return this->at(index); }
};

struct Operand {
  enum class Kind : std::uint8_t {
    Register,   // reg; negated for !%p
    Immediate,  // bits, literal
    Address,    // [base + offset]: base is reg (>= 0) or symbol, or neither (absolute);
                // [map, {x, y}] has its coordinates in parts
    Symbol,     // a variable, function, label or parameter used as a value; offset for sym+4
    Special,    // symbol holds "%tid.x", "%laneid", "WARP_SZ"...
    Vector,     // {a, b, c, d} in parts
    Pair,       // a|b in parts
    Tuple,      // (a, b) of a call, in parts
    Sink        // _
  };
  enum class Literal : std::uint8_t { Integer, F32, F64 };

  Kind kind = Kind::Sink;
  Literal literal = Literal::Integer;
  bool negated = false;
  bool minus = false;         // Register: -%r of vmad
  std::string part;           // Register: "h1" of %r.h1, in video instructions
  int reg = -1;               // index into Function::registers
  std::uint64_t bits = 0;     // integers: two's complement in 64 bits; 0f/0d literals: their bits
  std::int64_t offset = 0;
  std::string symbol;
  CheckedList<Operand> parts;
};

struct Instruction {
  CheckedList<std::string> opcode;  // split at dots: {"ld", "global", "v4", "f32"}
  int guard = -1;                   // register index of @%p, or -1
  bool guard_negated = false;       // @!%p
  CheckedList<Operand> operands;    // in the order written; call: (results), callee, (arguments), prototype
  int line = 0;                     // line of the PTX text, from 1
  int source_file = 0;              // .loc; 0 where there is none
  int source_line = 0;
  int inlined_file = 0;             // the place in the function that it was inlined into, through all calls; or 0
  int inlined_line = 0;
};

struct Variable {
  struct Reference {                // an address inside an initialiser
    std::uint64_t offset;           // byte offset of the 8-byte field
    std::string symbol;
    std::int64_t addend;
    bool generic;                   // generic(symbol)
  };
  std::string name;
  Space space = Space::None;
  Type type = Type::None;
  unsigned align = 0;               // bytes
  std::uint64_t size = 0;           // bytes in all; 0 for an unsized extern array
  bool is_extern = false;
  std::vector<std::uint8_t> initial;  // empty: zeros
  std::vector<Reference> references;
  int line = 0;
};

struct Register {
  std::string name;                 // as written, "%r12"; unique per scope, so not a key
  Type type;
};

struct Label {
  std::string name;
  std::size_t position;             // index into body of the instruction it stands before
};

struct BranchTable {                // .branchtargets
  std::string name;
  std::vector<std::string> targets;
};

struct Prototype {                  // .callprototype
  std::string name;
  std::vector<Variable> results, parameters;
};

struct Function {
  std::string name;
  bool is_entry = false;
  bool has_body = false;            // false for a declaration
  std::vector<Variable> results;    // of .func; space Param
  std::vector<Variable> parameters; // space Param, or Register-typed parameters with Space::None
  std::vector<Register> registers;  // every scope's, flattened
  std::vector<Variable> variables;  // .local, .shared and .param declared in the body, any scope
                                    // (shadowing names are made unique by the parser)
  std::vector<Instruction> body;
  std::vector<Label> labels;
  std::vector<BranchTable> branch_tables;
  std::vector<BranchTable> call_targets;  // .calltargets: function names
  std::vector<Prototype> prototypes;
  unsigned max_threads[3] = {0, 0, 0};       // .maxntid, 0 where absent
  unsigned required_threads[3] = {0, 0, 0};  // .reqntid
  unsigned min_blocks = 0;                   // .minnctapersm
  unsigned max_registers = 0;                // .maxnreg
  bool explicit_cluster = false;             // .explicitcluster
  unsigned required_cluster[3] = {0, 0, 0};  // .reqnctapercluster
  unsigned max_cluster_rank = 0;             // .maxclusterrank
  int line = 0;
};

struct Module {
  int version_major = 0, version_minor = 0;
  int target = 0;                            // 90 for sm_90
  bool target_accelerated = false;           // sm_90a
  std::vector<Variable> variables;           // module scope: .global, .const, .shared (extern too)
  std::vector<Function> functions;
  std::vector<std::string> files;            // .file; index 0 unused
};

// Throws ptxvm::Error (support/error.hpp) with line and text where the text is not PTX that we know
// how to read.
Module parse(std::string_view text);

}  // namespace ptxvm::ptx

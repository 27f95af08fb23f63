// From parsed PTX to Inst: one Decoder a module, one FunctionDecoder a function.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "code/modifiers.hpp"
#include "code/program.hpp"
#include "code/semantics.hpp"
#include "exec/builtins.hpp"
#include "exec/registry.hpp"
#include "ptx/ast.hpp"
#include "support/error.hpp"

namespace ptxvm::exec {

bool space_of(const std::string& modifier, std::uint8_t* space);  // SpaceCode

class ModuleDecoder {
 public:
  ModuleDecoder(const ptx::Module& module, DecodedProgram& program) : module(module), program(program) {}
  void decode();

  Ref constant(unsigned width, std::uint64_t bits);  // 32 equal lanes; width 1: a predicate word
  // The value of a variable's or function's name, or false.
  struct Place {
    ptx::Space space;
    std::uint64_t offset;  // device address (global, const), or offset in its space
    bool per_frame;        // local: relative to the function's local frame
  };

  const ptx::Module& module;
  DecodedProgram& program;
  std::unordered_map<std::string, Place> places;  // module scope

 private:
  void place_variables();
  void initialise_variables();
  void decode_function(const ptx::Function& f);
  void finish_functions();
  std::map<std::pair<unsigned, std::uint64_t>, Ref> constants_;
};

class FunctionDecoder {
 public:
  FunctionDecoder(ModuleDecoder& module, const ptx::Function& function, int number);
  void decode();

 private:
  using Operand = ptx::Operand;
  using Instruction = ptx::Instruction;

  // frame.cpp
  void layout();
  void place_variables();
  void find_wanted();
  unsigned width(const Operand& operand) const;  // of a register operand, bits
  Ref allocate(unsigned width);
  Ref temporary(unsigned width);

  // decode.cpp
  void instruction(const Instruction& i);

  // decode_arithmetic.cpp, decode_predicate.cpp
  void table_op(const Instruction& i);
  bool special_form(const Instruction& i);
  void move(const Instruction& i);
  void convert(const Instruction& i);
  Ref low_part(const Operand& operand, unsigned bits);
  void write_converted(const Operand& operand, unsigned bits, bool is_signed, const std::function<void(Ref)>& make);
  void set_predicate(const Instruction& i);
  void set_value(const Instruction& i);
  void logic_with_predicate(const Instruction& i);
  bool extreme_of_three(const Instruction& i);
  void carry(const Instruction& i);
  struct Predicate { std::string combine, compare, type; std::uint8_t aux = 0; };  // combine: "and", or empty
  Predicate comparison(const Instruction& i, std::size_t types) const;
  void emit_comparison(Ref to, const Predicate& c, const Operand& a, const Operand& b, int part);
  void combine(Ref to, const std::string& how, Ref result, Ref with);

  // decode_half.cpp
  struct Conversion {
    std::string to, from, mode;  // mode: "rn"; "rni": integral
    bool integral = false, ftz = false, sat = false, relu = false, satfinite = false;
  };
  bool half_arithmetic(const Instruction& i);
  bool mixed_arithmetic(const Instruction& i);
  void convert_half(const Instruction& i, const Conversion& c);
  void convert_pack(const Instruction& i);
  void emit_flagged(const std::string& name, Ref to, Ref from, std::uint8_t aux);

  // decode_video.cpp
  bool video(const Instruction& i);
  void refuse_parts(const Instruction& i) const;

  // decode_memory.cpp
  void address_conversion(const Instruction& i);
  void space_test(const Instruction& i);
  void load(const Instruction& i);
  void store(const Instruction& i);
  struct MemoryOrder { std::string sem, scope, mmio, path; };  // as written; path: "nc"
  struct MemoryForm {
    std::uint8_t space;     // SpaceCode
    std::string type;       // "u32"
    unsigned bytes, count;  // of an element; vector length
    bool parameter;         // .param
    Semantics semantics;
    MemoryOrder order;
  };
  MemoryForm memory_form(const Instruction& i) const;
  bool take_order(MemoryForm& form, const std::string& modifier) const;
  void check_policy(const Instruction& i, bool policy, std::size_t operands) const;
  void address(Inst& inst, int slot, const Operand& operand, const MemoryForm& form);
  Ref vector_part(const Operand& operand, int index) const;

  // decode_atomic.cpp
  void atomic(const Instruction& i, bool reduction);
  void atomic_vector(const Instruction& i, const std::string& operation, MemoryForm form, bool reduction);

  // decode_hint.cpp
  bool hint(const Instruction& i);
  void create_policy(const Instruction& i);
  void discard(const Instruction& i);

  // decode_async.cpp, decode_mbarrier.cpp
  bool asynchronous(const Instruction& i);
  void copy_async(const Instruction& i);
  void bulk_copy(const Instruction& i);
  void store_async(const Instruction& i);
  void store_bulk(const Instruction& i);
  void mbarrier(const Instruction& i);
  void fence(const Instruction& i);
  Ref whole_address(const Operand& operand);
  bool async_space(const std::string& modifier, std::uint8_t* space) const;

  // decode_strict.cpp
  void liberty(std::uint8_t kind);
  bool torn(const MemoryForm& form) const;
  void tear(const Inst& whole, const MemoryForm& form, bool is_load, const std::string& scalar);
  void tear_wide(Inst whole, MemoryForm form, bool is_load);
  const Op* approximation(const std::string& name) const;

  // decode_cluster.cpp
  bool cluster(const Instruction& i);
  void map_address(const Instruction& i);
  void rank_of_address(const Instruction& i);
  void cluster_barrier(const Instruction& i);
  void set_registers(const Instruction& i);

  // decode_control.cpp
  bool control(const Instruction& i);
  void barrier(const Instruction& i);
  void collective(const Instruction& i);
  void call(const Instruction& i);
  void join();
  std::uint32_t argument_bytes(const std::string& variable) const;

  // decode_matrix.cpp
  bool matrix(const Instruction& i);
  void matrix_multiply(const Instruction& i);
  void matrix_tile(const Instruction& i, bool write);
  void matrix_rows(const Instruction& i);
  void emit_matrix(const std::string& name, Inst inst, const std::vector<Ref>& list);
  void registers(const Operand& operand, unsigned count, unsigned width, bool written, std::vector<Ref>* list);

  // Operands. source() makes what a handler can read: a register, a constant, or a temporary.
  Ref source(const Operand& operand, unsigned width);
  Handler special(const std::string& symbol, unsigned bits);  // null: unknown
  Ref destination(const Operand& operand, unsigned width);
  bool symbol_value(const Operand& operand, std::uint64_t* value, bool* per_frame) const;
  Inst& emit(Inst inst);
  Inst& emit(const char* op, std::initializer_list<Ref> operands);
  [[noreturn]] void refuse(const std::string& why) const;
  std::string text() const;  // of the current instruction

  ModuleDecoder& m_;
  DecodedProgram& p_;
  const ptx::Function& f_;
  FunctionCode& code_;
  const int number_;
  const Instruction* now_ = nullptr;
  count::Traits counted_;                    // of it
  bool first_ = false;                       // nothing has been emitted for it
  std::vector<Ref> register_;                // by register number
  std::vector<bool> wanted_;                 // false: only loaded into, never read
  std::unordered_map<std::string, ModuleDecoder::Place> places_;   // the body's variables
  struct Argument { Ref offset; std::uint32_t stride; };
  std::unordered_map<std::string, Argument> arguments_;            // .param variables in the frame
  std::unordered_map<std::string, std::uint32_t> entry_parameters_;
  std::unordered_map<std::string, std::uint32_t> label_pc_;
  std::vector<std::pair<std::uint32_t, std::string>> branches_;    // Inst number, label
  std::vector<std::pair<std::uint32_t, std::string>> tables_;
  std::map<unsigned, std::vector<Ref>> free_temporaries_, used_temporaries_;
  std::uint32_t frame_ = 0;
  Ref carry_ = kNone;
  bool pending_join_ = false;
};

}  // namespace ptxvm::exec

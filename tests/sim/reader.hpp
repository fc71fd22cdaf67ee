// Follows a node's records commit by commit, as routing does, and loads them again where it must.
#pragma once

#include <map>
#include <string>

#include "cluster/catalog_store.hpp"

namespace troupe::sim {

class process;

class reader {
public:
  explicit reader(process& of) : of_{of} {}

  /// @param anew  everything may have changed.
  void changed(bool anew);
  /// It has what the node has.
  void check() const;

private:
  void load();

  process& of_;
  cluster::cursor at_;
  std::map<std::string, cluster::record> records_;
};

}  // namespace troupe::sim

// What a reader who goes on and on needs of a store: where a history may be replaced by another one meanwhile, each
// place in it is told together with its generation.
#pragma once

#include "cluster/catalog_store.hpp"

namespace troupe::cluster {

struct loaded_history {
  loaded contents;
  cluster::generation generation;  ///< that the contents are of
};

/// Calls are answered as those of `catalog_store`.
class catalog_source {
public:
  template <class T>
  using callback = catalog_store::callback<T>;

  virtual void load_history(time_point deadline, callback<expected<loaded_history>> done) = 0;
  /// As `catalog_store::follow`; a `gap` as soon as the history is not of generation `of` any more, whoever else has
  /// loaded the new one.
  virtual void follow_history(const generation& of, cursor from, time_point deadline, callback<follow_result> done) = 0;

protected:
  ~catalog_source() = default;
};

}  // namespace troupe::cluster

# The Debian packages that Tidemark stands on; a missing one is named with the command that installs it.
find_package(PkgConfig)
find_package(Threads REQUIRED)

function(tide_package target module version package)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(${target} QUIET IMPORTED_TARGET ${module}>=${version})
  endif()
  if(NOT ${target}_FOUND)
    message(FATAL_ERROR
      "${module} ${version} or later is missing. Install everything Tidemark needs with\n"
      "    make deps\nor this package alone with\n    apt-get install pkg-config ${package}\n")
  endif()
endfunction()

tide_package(GNUTLS gnutls 3.7 libgnutls28-dev)
tide_package(MICROHTTPD libmicrohttpd 0.9.75 libmicrohttpd-dev)
tide_package(SQLITE sqlite3 3.40 libsqlite3-dev)
tide_package(JANSSON jansson 2.13 libjansson-dev)
tide_package(ZSTD libzstd 1.4 libzstd-dev)
tide_package(ZLIB zlib 1.2 zlib1g-dev)
tide_package(XXHASH libxxhash 0.8 libxxhash-dev)
tide_package(CURL libcurl 7.88 libcurl4-gnutls-dev)

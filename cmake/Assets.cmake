# Three libraries of embedded files, made at build time:
#   tide_schema  db/*.sql as strings in the order of their versions: the table tide_migrations, ended by NULL
#   tide_script  server/build/versions.py as the string tide_versions_py
#   tide_assets  the dashboard, plain and gzipped, as the table tide_assets (server/http/assets.h)
enable_language(ASM)
find_program(GZIP gzip REQUIRED)

# npm packages come from the committed lock file. npm ci runs when the lock file is newer than what
# stands in node_modules; without npm the error says what to install.
set(npm_stamp ${CMAKE_SOURCE_DIR}/node_modules/.package-lock.json)
set(npm_lock ${CMAKE_SOURCE_DIR}/package-lock.json)
if(EXISTS ${npm_lock} AND (NOT EXISTS ${npm_stamp} OR ${npm_lock} IS_NEWER_THAN ${npm_stamp}))
  find_program(NPM npm)
  if(NOT NPM)
    message(FATAL_ERROR "npm is missing. Install everything Tidemark needs with\n    make deps\n")
  endif()
  message(STATUS "Installing npm packages from package-lock.json")
  execute_process(COMMAND ${NPM} ci --ignore-scripts --no-audit --no-fund
                  WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} COMMAND_ERROR_IS_FATAL ANY
                  OUTPUT_QUIET)
  file(TOUCH ${npm_stamp})
endif()

set(schema_files ${CMAKE_SOURCE_DIR}/db/schema.sql)
file(GLOB migrations CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/db/0*.sql)
list(SORT migrations)
list(APPEND schema_files ${migrations})
set(schema_assembly ".section .rodata\n")
set(schema_table ".section .data.rel.ro,\"aw\"\n.balign 8\n.global tide_migrations\ntide_migrations:\n")
set(schema_version 0)
foreach(file IN LISTS schema_files)
  math(EXPR schema_version "${schema_version} + 1")
  string(REGEX MATCH "0*([0-9]+)\\.sql$" _ ${file})
  if(schema_version GREATER 1 AND NOT CMAKE_MATCH_1 EQUAL schema_version)
    message(FATAL_ERROR "${file}: migrations are numbered without gaps, this one is the ${schema_version}.")
  endif()
  string(APPEND schema_assembly "migration_${schema_version}:\n.incbin \"${file}\"\n.byte 0\n")
  string(APPEND schema_table ".quad migration_${schema_version}\n")
endforeach()
string(APPEND schema_assembly "${schema_table}.quad 0\n")
file(WRITE ${CMAKE_BINARY_DIR}/schema.S.new ${schema_assembly}
  ".section .note.GNU-stack,\"\",@progbits\n")
file(COPY_FILE ${CMAKE_BINARY_DIR}/schema.S.new ${CMAKE_BINARY_DIR}/schema.S ONLY_IF_DIFFERENT)
add_library(tide_schema STATIC ${CMAKE_BINARY_DIR}/schema.S)
set_source_files_properties(${CMAKE_BINARY_DIR}/schema.S PROPERTIES
  OBJECT_DEPENDS "${schema_files}")

set(versions_script ${CMAKE_SOURCE_DIR}/server/build/versions.py)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/script.S CONTENT
  ".section .rodata\n.global tide_versions_py\ntide_versions_py:\n.incbin \"${versions_script}\"\n.byte 0
.section .note.GNU-stack,\"\",@progbits\n" @ONLY)
add_library(tide_script STATIC ${CMAKE_BINARY_DIR}/script.S)
set_source_files_properties(${CMAKE_BINARY_DIR}/script.S PROPERTIES OBJECT_DEPENDS ${versions_script})

# Pairs of file and URL path: everything under static/, and the vendor files that static/vendor.txt names.
file(GLOB_RECURSE static_files CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}/static
     ${CMAKE_SOURCE_DIR}/static/*)
list(REMOVE_ITEM static_files vendor.txt)
list(SORT static_files)
set(asset_files "")
set(asset_paths "")
foreach(file IN LISTS static_files)
  list(APPEND asset_files ${CMAKE_SOURCE_DIR}/static/${file})
  list(APPEND asset_paths /${file})
endforeach()
set(vendor_list ${CMAKE_SOURCE_DIR}/static/vendor.txt)
if(EXISTS ${vendor_list})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${vendor_list})
  file(STRINGS ${vendor_list} vendor_lines REGEX "^[^#]")
  foreach(line IN LISTS vendor_lines)
    string(REGEX MATCH "^([^ ]+) +([^ ]+)$" _ "${line}")
    list(APPEND asset_files ${CMAKE_SOURCE_DIR}/${CMAKE_MATCH_1})
    list(APPEND asset_paths /vendor/${CMAKE_MATCH_2})
  endforeach()
endif()

# The description of the REST interface, one document from the pieces in docs/openapi/.
find_program(PYTHON3 python3 REQUIRED)
file(GLOB openapi_pieces CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/openapi/*.json)
add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/openapi.json VERBATIM
  DEPENDS ${openapi_pieces} ${CMAKE_SOURCE_DIR}/cmake/openapi.py
  COMMAND ${PYTHON3} ${CMAKE_SOURCE_DIR}/cmake/openapi.py ${CMAKE_SOURCE_DIR}/docs/openapi
          ${CMAKE_BINARY_DIR}/openapi.json ${PROJECT_VERSION})
list(APPEND asset_files ${CMAKE_BINARY_DIR}/openapi.json)
list(APPEND asset_paths /api/v1/openapi.json)

set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")
set(type_png "image/png")
set(type_json "application/json")
set(type_txt "text/plain; charset=utf-8")

set(assembly ".section .rodata\n")
set(table "#include \"http/assets.h\"\n\n#include <stddef.h>\n\n")
set(rows "")
set(gzipped "")
set(index 0)
foreach(file path IN ZIP_LISTS asset_files asset_paths)
  string(REGEX REPLACE "^.*\\." "" extension ${path})
  if(NOT DEFINED type_${extension})
    message(FATAL_ERROR "static/: no media type is known for ${path}: add it to cmake/Assets.cmake")
  endif()
  set(packed ${CMAKE_BINARY_DIR}/assets${path}.gz)
  add_custom_command(OUTPUT ${packed} DEPENDS ${file} VERBATIM
    COMMAND sh -c "mkdir -p \"$(dirname \"$3\")\" && \"$1\" -9 -n -c \"$2\" > \"$3\"" sh ${GZIP}
            ${file} ${packed})
  list(APPEND gzipped ${packed})
  foreach(kind plain packed)
    set(label tide_asset_${index}_${kind})
    set(source ${file})
    if(kind STREQUAL "packed")
      set(source ${packed})
    endif()
    string(APPEND assembly ".global ${label}\n.global ${label}_end\n${label}:\n"
                           ".incbin \"${source}\"\n${label}_end:\n.byte 0\n")
    string(APPEND table "extern const unsigned char ${label}[], ${label}_end[];\n")
  endforeach()
  string(APPEND rows "    {\"${path}\", \"${type_${extension}}\", tide_asset_${index}_plain, "
    "tide_asset_${index}_plain_end, tide_asset_${index}_packed, tide_asset_${index}_packed_end},\n")
  math(EXPR index "${index} + 1")
endforeach()
string(APPEND assembly ".section .note.GNU-stack,\"\",@progbits\n")
string(APPEND table "\nconst struct tide_asset tide_assets[] = {\n${rows}    {NULL, NULL, NULL, NULL, NULL, NULL},\n};\n")
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/assets.S CONTENT "${assembly}" @ONLY)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/assets.c CONTENT "${table}" @ONLY)
add_library(tide_assets STATIC ${CMAKE_BINARY_DIR}/assets.c ${CMAKE_BINARY_DIR}/assets.S)
set_source_files_properties(${CMAKE_BINARY_DIR}/assets.S PROPERTIES
  OBJECT_DEPENDS "${asset_files};${gzipped}")
target_include_directories(tide_assets PRIVATE ${CMAKE_SOURCE_DIR}/server)

# Man pages and shell completion, made by the program from its commands' tables.
set(manual ${CMAKE_BINARY_DIR}/manual)
add_custom_command(OUTPUT ${manual}/tidemark.bash ${manual}/_tidemark ${manual}/tidemark.fish
  DEPENDS tidemark VERBATIM
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${manual}
  COMMAND tidemark help --man ${manual}/man1
  COMMAND tidemark completion bash > ${manual}/tidemark.bash
  COMMAND tidemark completion zsh > ${manual}/_tidemark
  COMMAND tidemark completion fish > ${manual}/tidemark.fish)
add_custom_target(manual ALL DEPENDS ${manual}/tidemark.bash)

include(GNUInstallDirs)
install(DIRECTORY ${manual}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR})
install(FILES ${manual}/tidemark.bash RENAME tidemark
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${manual}/_tidemark DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${manual}/tidemark.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
